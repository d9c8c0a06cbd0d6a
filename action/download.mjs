// Downloads a release's binary: URL SHA256 TEMPORARY TARGET. A process of its own, see binary.mjs.
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { FILES, NETWORK, fail } from "./binary.mjs";

const TRIES = 3, REDIRECTS = 5, DEADLINE_MS = 120_000, LIMIT = 64 * 1024 * 1024; // the deadline is for all tries
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\])(:\d+)?$/; // a mirror beside the job, and the tests
const [asked, sha256, temporary, target] = process.argv.slice(2), deadline = AbortSignal.timeout(DEADLINE_MS);
const failure = (text, final = true) => Object.assign(new Error(text), { final });

async function get(url, hops = 0) {
    if (url.protocol !== "https:" && !LOOPBACK.test(url.origin)) throw failure(`${url}, which is not https`);
    const answer = await fetch(url, { redirect: "manual", signal: deadline });
    const { status } = answer, to = status > 300 && status < 400 && answer.headers.get("location");
    if (to && hops < REDIRECTS) return get(new URL(to, url), hops + 1);
    if (status !== 200) throw failure(`HTTP ${status} from ${url.host}`, status < 500 && status !== 429);
    const parts = [];
    let size = 0;
    for await (const part of answer.body) {
        parts.push(part);
        if ((size += part.length) > LIMIT) throw failure(`more than ${LIMIT} bytes`);
    }
    return Buffer.concat(parts);
}

async function tried(times) {
    try {
        return await get(new URL(asked));
    } catch (cause) {
        const met = cause.cause?.code || cause.cause?.message || cause.message;
        const next = "allow that address (HTTPS_PROXY is heeded), or name a binary with `path`";
        if (cause.final || times === TRIES) fail(NETWORK, `a binary at ${asked}`, met, next);
    }
    return new Promise((wake) => setTimeout(wake, 1000 * times)).then(() => tried(times + 1));
}

const bytes = await tried(1), met = createHash("sha256").update(bytes).digest("hex"), size = bytes.length;
if (met !== sha256) fail(FILES, `SHA-256 ${sha256} of ${asked}`, `${met} (${size} bytes)`, "see what answers there");
try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(temporary, bytes, { mode: 0o755, flag: "wx", flush: true }); // whole on disk before it has its name
    renameSync(temporary, target);
} catch (cause) {
    fail(FILES, `to write ${target}`, cause.message, "make RUNNER_TOOL_CACHE writable, or name a binary with `path`");
}
