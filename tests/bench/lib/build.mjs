// Builds what the page loads into ./pkg: the till's code as WebAssembly, in the profile that is shipped, and the page's script.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const run = promisify(execFile);
const here = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const root = path.resolve(here, "../..");

export const PKG = path.join(here, "pkg");
/** The script of the till's journal, as it is shipped. */
export const JOURNAL = path.join(root, "service-worker/journal.js");
const PROFILE = "wasm-release";
const CRATE = "holdfast-bench-wasm";

export async function buildPage(env) {
  mkdirSync(PKG, { recursive: true });
  const wasm = await compile(env);
  await run(tool("wasm-bindgen"), ["--target", "web", "--no-typescript", "--out-dir", PKG, "--out-name", "till", wasm]);
  await build({
    entryPoints: [path.join(here, "page/page.js")],
    outfile: path.join(PKG, "page.js"),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    // Workbox asserts and logs in development builds only; it is measured as it is shipped.
    define: { "process.env.NODE_ENV": '"production"' },
    // Loaded as it is: bundling would move it away from its .wasm.
    external: ["/pkg/*"],
    logLevel: "warning",
  });
}

async function compile(env) {
  const options = { cwd: root, env, maxBuffer: 64 * 1024 * 1024 };
  const target = env.CARGO_TARGET_DIR
    ? path.resolve(root, env.CARGO_TARGET_DIR)
    : JSON.parse((await run("cargo", ["metadata", "--format-version", "1", "--no-deps"], options)).stdout).target_directory;
  const triple = "wasm32-unknown-unknown";
  await run("cargo", ["build", "--quiet", "--locked", "--package", CRATE, "--target", triple, "--profile", PROFILE], options).catch(
    (error) => {
      throw new Error(`cargo could not build ${CRATE}:\n${error.stderr}`);
    },
  );
  return path.join(target, triple, PROFILE, `${CRATE.replaceAll("-", "_")}.wasm`);
}

function tool(name) {
  const own = process.env.HOLDFAST_TOOLS && path.join(process.env.HOLDFAST_TOOLS, name);
  return own && existsSync(own) ? own : name;
}
