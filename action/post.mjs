// The action's post step: ends the pass that main opened. The runner runs it after failure and cancellation too.
import { rmSync } from "node:fs";
import { dirname } from "node:path";
import { kept, locate, run, say } from "./binary.mjs";

const pass = process.env.STATE_pass;
// On every way out, a failure's too: the copy is ours, and the job ends clean.
if (kept) process.once("exit", () => rmSync(dirname(kept), { recursive: true, force: true }));
if (!pass) say("jobpass: no pass was opened, so there is none to end");
process.exit(pass ? await run(kept || (await locate()), ["logout", "--pass", pass]) : 0);
