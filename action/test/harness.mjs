// What every test uses: a copy of the action with a table of its own, stand-ins for the binary, and a scrubbed step.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";

export const SHIM = path.dirname(import.meta.dirname);
export const CHECKOUT = path.dirname(SHIM);
export const MACHINE = `${process.platform}-${process.arch}`;
export const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
/** A stand-in for the binary: says what it was called, and with what. */
export const FAKE = '#!/bin/sh\necho "ran $0 $*"\n';

/** A directory that goes with the test. The name is awkward on purpose. */
export function scratch(t, name = "shim a\nb'%-") {
    const directory = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), name));
    t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
    return directory;
}

export function program(file, text = FAKE) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text, { mode: 0o755 });
    return file;
}

/** A runner's directories and files, and the action in it; its table pins `text` for this machine. */
export function job(t, { text = FAKE, base = "http://127.0.0.1:2", carried = true, table, name } = {}) {
    const root = scratch(t, name);
    const at = (...parts) => path.join(root, ...parts);
    for (const name of ["action", "temp", "tools", "workspace"]) fs.mkdirSync(at(name));
    for (const name of fs.readdirSync(SHIM).filter((name) => name.endsWith(".mjs"))) {
        fs.copyFileSync(path.join(SHIM, name), at("action", name));
    }
    const entry = { file: "jobpass-test", sha256: sha256(text) };
    table ??= { version: "1.2.3", base, binaries: { [MACHINE]: entry } };
    fs.writeFileSync(at("action", "binaries.json"), JSON.stringify(table));
    fs.writeFileSync(at("state"), "");
    const places = {
        carried: at("action", "bin", entry.file),
        cached: at("tools", "jobpass", "1.2.3", process.arch, entry.file),
        path: at("workspace", "my tools", "jobpass"),
    };
    if (carried) program(places.carried, text);
    const env = {
        PATH: process.env.PATH,
        GITHUB_STATE: at("state"),
        GITHUB_WORKSPACE: at("workspace"),
        RUNNER_TEMP: at("temp"),
        RUNNER_TOOL_CACHE: at("tools"),
    };
    return { root, at, entry, places, env };
}

/** Starts a step as the runner does: `node FILE`. */
export function start(job, file, env = {}) {
    const all = Object.fromEntries(Object.entries({ ...job.env, ...env }).filter(([, value]) => value !== undefined));
    const child = spawn(process.execPath, [job.at("action", file)], { cwd: job.root, env: all });
    let out = "";
    const watchers = [];
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text) => {
            out += text;
            for (const look of watchers) look();
        });
    }
    const ended = new Promise((done) => child.on("close", (code, signal) => done({ code, signal, out })));
    const said = (text) =>
        new Promise((done, refuse) => {
            const look = () => out.includes(text) && done();
            watchers.push(look);
            look();
            ended.then(() => refuse(new Error(`ended without saying ${text}: ${out}`)));
        });
    return { child, ended, said };
}

export const step = (job, file, env) => start(job, file, env).ended;
export const main = (job, env) => step(job, "main.mjs", env);
export const post = (job, env) => step(job, "post.mjs", env);

/** Asserts that the step ended with `code` and said one thing: an annotation that holds all of `texts`. */
export function refused({ code, out }, expected, ...texts) {
    const decoded = out.replaceAll("%0A", "\n").replaceAll("%0D", "\r").replaceAll("%25", "%");
    assert.equal(code, expected, out);
    assert.match(out, /^::error title=jobpass::expected [^\n]+, met [^\n]+: [^\n]+\n$/, "one annotation on one line");
    for (const text of texts) assert.ok(decoded.includes(text), `${text} is not in ${decoded}`);
}

/** `GITHUB_STATE` as the runner reads it, as the post step's variables. */
export function state(job) {
    const lines = fs.readFileSync(job.env.GITHUB_STATE, "utf8").split("\n");
    const variables = {};
    while (lines.length > 1) {
        const [name, end] = lines.shift().split("<<");
        assert.ok(name && end && lines.includes(end), "a whole entry");
        variables[`STATE_${name}`] = lines.splice(0, lines.indexOf(end)).join("\n");
        lines.shift();
    }
    return variables;
}

/** An HTTP server on loopback that goes with the test; `seen` holds the paths that were asked for. */
export async function server(t, answer) {
    const seen = [];
    const listener = http.createServer((request, response) => {
        seen.push(request.url);
        answer(request, response);
    });
    await new Promise((done) => listener.listen(0, "127.0.0.1", done));
    t.after(() => {
        listener.closeAllConnections();
        listener.close();
    });
    return { base: `http://127.0.0.1:${listener.address().port}`, port: listener.address().port, seen, listener };
}

/** Every file below a directory, relative to it. */
export function files(directory) {
    return fs
        .readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)));
}
