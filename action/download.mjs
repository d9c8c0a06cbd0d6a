// Downloads a release's binary into the tool cache: URL SHA256 TEMPORARY TARGET. Its own process, see binary.mjs.
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fail } from "./binary.mjs";

const FILES = 5, NETWORK = 6, TRIES = 3, REDIRECTS = 5, DEADLINE_MS = 120_000, LIMIT = 64 * 1024 * 1024;
const [asked, sha256, temporary, target] = process.argv.slice(2);
const deadline = AbortSignal.timeout(DEADLINE_MS);
const final = (text) => Object.assign(new Error(text), { final: true });

async function get() {
    let url = new URL(asked), answer;
    for (let hops = 0; ; hops += 1) {
        // Plain http is for this machine only: tests, and a mirror that runs beside the job.
        if (url.protocol !== "https:" && !(url.protocol === "http:" && ["127.0.0.1", "[::1]"].includes(url.hostname))) throw final(`an address that is not https: ${url}`);
        answer = await fetch(url, { redirect: "manual", signal: deadline });
        if (![301, 302, 303, 307, 308].includes(answer.status)) break;
        if (hops === REDIRECTS) throw final(`more than ${REDIRECTS} redirects`);
        url = new URL(answer.headers.get("location") ?? "", url);
    }
    if (answer.status !== 200) throw Object.assign(new Error(`HTTP ${answer.status} from ${url.host}`), { final: answer.status < 500 && answer.status !== 429 });
    const parts = [];
    let size = 0;
    for await (const part of answer.body) {
        if ((size += part.length) > LIMIT) throw final(`more than ${LIMIT} bytes`);
        parts.push(part);
    }
    return Buffer.concat(parts);
}

let bytes;
for (let tries = 1; !bytes; tries += 1) {
    try {
        bytes = await get();
    } catch (cause) {
        const met = cause.cause?.code || cause.cause?.message || cause.message;
        if (cause.final || deadline.aborted || tries === TRIES) fail(NETWORK, `expected the binary from ${asked}, met ${met}: allow that address (HTTPS_PROXY is heeded), or name a binary with \`path\``);
        await sleep(1000 * tries);
    }
}
const presented = createHash("sha256").update(bytes).digest("hex");
if (presented !== sha256) fail(FILES, `expected SHA-256 ${sha256} of ${asked}, met ${presented} (${bytes.length} bytes): nothing was kept or run; look at what answers there in the release's place`);
try {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(temporary, bytes, { mode: 0o755, flag: "wx", flush: true }); // whole on disk before it bears its name
    renameSync(temporary, target);
} catch (cause) {
    fail(FILES, `expected to write ${target}, met ${cause.message}: make RUNNER_TOOL_CACHE writable, or name a binary with \`path\``);
}
