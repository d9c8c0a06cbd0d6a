// The action's main step: `jobpass action`, which reads the inputs from the environment it inherits.
import { keep, locate, run } from "./binary.mjs";

process.exit(await run(keep(await locate()), ["action"]));
