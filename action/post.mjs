// The action's post step: ends the pass that main opened. The runner runs it after failure and cancellation too.
import { rmdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { kept, locate, run, say } from "./binary.mjs";

const pass = process.env.STATE_pass;
const copy = kept();
// On every way out, a failure's too: the copy is ours, and the job ends clean.
if (copy) process.once("exit", () => { rmSync(copy, { force: true }); rmdirSync(dirname(copy)); });
if (!pass) say("jobpass: no pass was opened, so there is none to end");
process.exit(pass ? await run(copy ?? await locate(), ["logout", "--pass", pass]) : 0);
