// What the shim promises about itself: short, without dependencies, nothing of the network's choosing.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { SHIM } from "./harness.mjs";

const sources = fs.readdirSync(SHIM).filter((name) => /\.[cm]?js$/.test(name));
const read = (name) => fs.readFileSync(path.join(SHIM, name), "utf8");

test("under 150 lines, none of them long", () => {
    assert.deepEqual(sources.sort(), ["binary.mjs", "download.mjs", "main.mjs", "post.mjs"]);
    const lines = sources.flatMap((name) => read(name).trimEnd().split("\n"));
    assert.ok(lines.length < 150, `${lines.length} lines`);
    assert.deepEqual(lines.filter((line) => line.length > 120), []);
});

test("nothing but node's own modules and its own files", () => {
    for (const name of sources) {
        const loads = /\b(?:from|import|require|load|getBuiltinModule)\b\s*\(?\s*["']([^"']+)["']/g;
        const imports = [...read(name).matchAll(loads)].map(([, from]) => from);
        assert.ok(imports.length > 0, name);
        const strange = imports.filter((from) => !/^(node:[a-z_]+|\.\/[a-z]+\.mjs)$/.test(from));
        assert.deepEqual(strange, [], name);
    }
    assert.ok(!fs.existsSync(path.join(SHIM, "package.json")) && !fs.existsSync(path.join(SHIM, "node_modules")));
});

test("no shell, no evaluation, no moving version", () => {
    const all = sources.map(read).join("\n") + read("binaries.json");
    for (const word of [/\blatest\b/i, /\bshell\s*:/, /\bexec(Sync|File)?\(/, /\beval\b/, /\bFunction\(/]) {
        assert.doesNotMatch(all, word);
    }
});

test("the table names one version, https, and for each machine a file and its SHA-256", () => {
    const { version, base, binaries } = JSON.parse(read("binaries.json"));
    assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.equal(base, `https://github.com/jobpass/jobpass/releases/download/v${version}`);
    for (const [machine, entry] of Object.entries(binaries)) {
        assert.match(machine, /^(linux|darwin|win32)-(x64|arm64)$/);
        assert.match(entry.file, /^jobpass-[a-z0-9_.-]+$/);
        assert.match(entry.sha256, /^[0-9a-f]{64}$/);
    }
});
