// Which binary runs, whether it is the one that this commit of the action pins, and running it.
const load = process.getBuiltinModule; // import would also load what hangs on unused exports: 4 ms of a start
const { createHash, randomUUID } = load("node:crypto");
const fs = load("node:fs"), { basename, dirname, join, resolve } = load("node:path");

const { env, platform, arch } = process, machine = `${platform}-${arch}`;
const here = import.meta.dirname, named = env.INPUT_PATH?.trim();
export const USAGE = 2, FILES = 5, NETWORK = 6; // exit codes, as in docs/exit-codes.md

/** The copy that main made (`keep`). Without `path` it made none, and a variable of that name is somebody else's. */
export const kept = named && env.STATE_binary;
/** Removes it, with the directory that was made for it. */
export const forget = () => fs.rmSync(dirname(kept), { recursive: true, force: true });

/** Prints a line. Not through console: to load its streams costs a start more than the line is worth. */
export const say = (text) => fs.writeSync(1, `${text}\n`);

/** Shows one annotation and ends. In the post step it names the pass that nobody ended. */
export function fail(code, expected, met, next) {
    const left = `; the pass was not ended: remove ${env.STATE_pass}, its credentials work until they expire`;
    const text = `expected ${expected}, met ${met}: ${next}${env.STATE_pass ? left : ""}`;
    say(`::error title=jobpass::${text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A")}`);
    process.exit(code);
}

/** The binary to run: the input `path`, the action's folder, the tool cache, the release; the first that is there. */
export async function locate() {
    if (named) return resolve(env.GITHUB_WORKSPACE || ".", named);
    const { version, base, binaries } = JSON.parse(fs.readFileSync(join(here, "binaries.json"), "utf8"));
    const known = Object.keys(binaries).join(", ") || "none: this commit of the action carries no binaries";
    const next = "use a release commit, or name a binary with `path`";
    if (!binaries[machine]) fail(USAGE, `a binary for ${machine}`, known, next);
    const { file, sha256 } = binaries[machine], carried = join(here, "bin", file);
    if (holds(carried, sha256)) return carried;
    if (!env.RUNNER_TOOL_CACHE) fail(USAGE, `${carried} or RUNNER_TOOL_CACHE`, "neither", next);
    // Other jobs of the machine may write there: what it holds is checked on every use, a fresh download too.
    const cached = join(env.RUNNER_TOOL_CACHE, "jobpass", version, arch, file);
    if (holds(cached, sha256)) return cached;
    const temporary = `${cached}.${randomUUID()}`, args = [join(here, "download.mjs"), `${base}/${file}`, sha256];
    const proxy = { NODE_USE_ENV_PROXY: "1", NODE_USE_SYSTEM_CA: "1" }; // read when Node starts: hence a child
    const code = await run(process.execPath, [...args, temporary, cached], proxy);
    fs.rmSync(temporary, { force: true }); // there when a signal ended the download halfway
    if (code) process.exit(code); // it has said why
    return holds(cached, sha256) ? cached : fail(FILES, cached, "no file after a download", "see what removes it");
}

/** True for the pinned file, false where none is. A changed file is an alarm, no absence: no other source is tried. */
function holds(file, sha256) {
    const hash = createHash("sha256"), part = Buffer.allocUnsafe(1 << 18);
    try {
        const handle = fs.openSync(file);
        for (let length; (length = fs.readSync(handle, part)) > 0; ) hash.update(part.subarray(0, length));
        fs.closeSync(handle);
    } catch (cause) {
        return cause.code !== "ENOENT" && fail(FILES, `a readable ${file}`, cause.message, "repair it or remove it");
    }
    const met = hash.digest("hex"), next = "it was not run; find out who changed it, then remove it";
    return met === sha256 || fail(FILES, `SHA-256 ${sha256} of ${file}`, met, next);
}

/** What `path` names, as a copy that both steps run and post removes: a checkout in between takes the original away. */
export function keep(file) {
    if (!named) return file;
    try {
        fs.accessSync(file, fs.constants.X_OK);
        if (!fs.statSync(file).isFile()) throw new Error(`${file}, which is no file`);
        if (!env.GITHUB_STATE || !env.RUNNER_TEMP) return file;
        const copy = join(fs.mkdtempSync(join(env.RUNNER_TEMP, "jobpass-bin-")), basename(file)), end = randomUUID();
        fs.appendFileSync(env.GITHUB_STATE, `binary<<${end}\n${copy}\n${end}\n`); // first: a kill may come in between
        fs.copyFileSync(file, copy, fs.constants.COPYFILE_FICLONE);
        return copy;
    } catch (cause) {
        const next = "it starts at the workspace and has to be there before this step; RUNNER_TEMP takes a copy";
        return fail(FILES, "`path` to name an executable file", cause.message, next);
    }
}

/** Runs it to its end: no shell, streams inherited, signals passed on. Its exit code, 128 + n after signal n. */
export function run(file, args, more) {
    return new Promise((done, refuse) => {
        let child;
        // The runner signals this process only. On Windows Ctrl-C reaches the child by itself, and kill would end it.
        const pass = (signal) => platform !== "win32" && child?.kill(signal);
        for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, pass);
        if (env.RUNNER_DEBUG === "1") say(`::debug::jobpass runs ${file}`);
        child = load("node:child_process").spawn(file, args, { stdio: "inherit", env: { ...env, ...more } });
        const numbers = load("node:os").constants.signals;
        child.once("error", refuse).once("exit", (code, signal) => done(code ?? 128 + numbers[signal]));
    }).catch((cause) => fail(FILES, `to start ${file}`, cause.message, `is it there, and built for ${machine}?`));
}
