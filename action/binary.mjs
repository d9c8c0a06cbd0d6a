// Which binary runs, whether it is the one that this commit of the action pins, and running it.
import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { constants } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

const { env, platform, arch } = process;
const here = import.meta.dirname;
const FILES = 5, USAGE = 2; // the classes of docs/exit-codes.md

/** Prints a line. Not through console: loading its streams costs a start more than the line is worth. */
export const say = (text) => fs.writeSync(1, `${text}\n`);

/** Shows one annotation and ends. In the post step it names the pass that nobody ended. */
export function fail(code, text) {
    const left = env.STATE_pass && `; the pass in ${env.STATE_pass} was not ended: its credentials work until they expire, remove that directory`;
    const line = (text + (left || "")).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
    say(`::error title=jobpass::${line}`);
    process.exit(code);
}

/** The binary to run, by the order of sources: `path`, the action's folder, the tool cache, the release. */
export async function locate() {
    const named = env.INPUT_PATH?.trim();
    if (named) return executable(resolve(env.GITHUB_WORKSPACE || ".", named));
    const { file, sha256, version, base } = pinned();
    const carried = join(here, "bin", file);
    if (holds(carried, sha256)) return carried;
    if (!env.RUNNER_TOOL_CACHE) fail(USAGE, `expected ${carried} or a tool cache, met neither: use a release commit, or set RUNNER_TOOL_CACHE, or name a binary with \`path\``);
    const cached = join(env.RUNNER_TOOL_CACHE, "jobpass", version, arch, file);
    // Whoever shares the machine may write to the tool cache: what lies there is checked on every use, a fresh download too.
    if (holds(cached, sha256)) return cached;
    const temporary = `${cached}.${randomUUID()}`;
    const code = await run(process.execPath, [join(here, "download.mjs"), `${base}/${file}`, sha256, temporary, cached],
        { NODE_USE_ENV_PROXY: "1", NODE_USE_SYSTEM_CA: "1" }); // Node reads these two when it starts, so it is a child
    fs.rmSync(temporary, { force: true });
    if (code) process.exit(code); // it has said why
    if (holds(cached, sha256)) return cached;
    fail(FILES, `expected the downloaded binary at ${cached}, met no file: something removes what lies in the tool cache`);
}

/** What this commit pins for this machine. */
function pinned() {
    const place = join(here, "binaries.json"), key = `${platform}-${arch}`;
    let table;
    try { table = JSON.parse(fs.readFileSync(place, "utf8")); } catch (cause) { fail(FILES, `expected the table ${place}, met ${cause.message}: use an unchanged commit of the action`); }
    const keys = Object.keys(table.binaries);
    if (!keys.length) fail(USAGE, "expected a binary for this machine, met none: this commit of the action carries no binaries: use a release commit, or name a binary with `path`");
    if (!keys.includes(key)) fail(USAGE, `expected one of ${keys.join(", ")}, met ${key}: there is no binary for this machine; build one and name it with \`path\``);
    return { ...table, ...table.binaries[key] };
}

/** True for the pinned file, false where none is. Anything else ends the step: a changed file is an alarm, not an absence. */
function holds(file, sha256) {
    let presented;
    try {
        presented = digest(file);
    } catch (cause) {
        if (cause.code === "ENOENT") return false;
        fail(FILES, `expected a readable file at ${file}, met ${cause.message}: repair or remove it`);
    }
    if (presented === sha256) return true;
    fail(FILES, `expected SHA-256 ${sha256} of ${file}, met ${presented}: it is not the binary that this commit of the action pins and was not run; find out who changed it, then remove it`);
}

function digest(file) {
    const hash = createHash("sha256"), part = Buffer.allocUnsafe(1 << 18), handle = fs.openSync(file);
    try {
        for (let length; (length = fs.readSync(handle, part)) > 0;) hash.update(part.subarray(0, length));
    } finally {
        fs.closeSync(handle);
    }
    return hash.digest("hex");
}

function executable(file) {
    try {
        if (!fs.statSync(file).isFile()) throw new Error("something else");
        fs.accessSync(file, fs.constants.X_OK);
    } catch (cause) {
        fail(FILES, `expected \`path\` to name an executable file, met ${cause.message} (${file}): a relative path starts at the workspace, and the file has to be there before this step`);
    }
    return file;
}

/** A checkout in between takes a binary away that `path` names: then post runs this copy, and removes it. */
export function keep(file) {
    if (!env.INPUT_PATH?.trim() || !env.GITHUB_STATE || !env.RUNNER_TEMP) return file;
    try {
        const copy = join(fs.mkdtempSync(join(env.RUNNER_TEMP, "jobpass-bin-")), basename(file)), delimiter = randomUUID();
        fs.appendFileSync(env.GITHUB_STATE, `binary<<${delimiter}\n${copy}\n${delimiter}\n`); // first: post cleans up after a kill
        fs.copyFileSync(file, copy, fs.constants.COPYFILE_FICLONE);
        return copy;
    } catch (cause) {
        fail(FILES, `expected to copy ${file} into RUNNER_TEMP for the post step, met ${cause.message}: make room, or make ${env.RUNNER_TEMP} writable`);
    }
}

/** The copy that main made. Only beside `path`: elsewhere a variable of this name is somebody else's. */
export const kept = () => (env.INPUT_PATH?.trim() && env.STATE_binary) || undefined;

/** Runs it to its end: no shell, streams inherited, signals passed on. Returns its exit code, 128 + n after signal n. */
export function run(file, args, more = {}) {
    return new Promise((done, refuse) => {
        let child;
        // The runner signals this process only. On Windows Ctrl-C reaches the child by itself, and kill() would be its end.
        const forward = (signal) => platform !== "win32" && child?.kill(signal);
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward);
        if (env.RUNNER_DEBUG === "1") say(`::debug::jobpass: ${file} ${args[0]}`);
        child = spawn(file, args, { stdio: "inherit", env: { ...env, ...more } });
        child.once("error", refuse).once("exit", (code, signal) => done(code ?? 128 + constants.signals[signal]));
    }).catch((cause) => fail(FILES, `expected to start ${file}, met ${cause.message}: it has to be there, executable, and built for ${platform}-${arch}`));
}
