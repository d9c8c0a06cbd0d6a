// The action's post step: ends the pass that main opened. The runner runs it after failure and cancellation too.
import { forget, kept, locate, run, say } from "./binary.mjs";

const pass = process.env.STATE_pass;
if (kept) process.once("exit", forget); // on every way out, a failure's too
if (!pass) say("jobpass: no pass was opened, so there is none to end");
process.exit(pass ? await run(kept || (await locate()), ["logout", "--pass", pass]) : 0);
