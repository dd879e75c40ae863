// Compiles src/ to dist/esm and dist/cjs.
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");

rmSync(`${root}dist`, { recursive: true, force: true });
try {
  await Promise.all(
    ["tsconfig.json", "tsconfig.cjs.json"].map((config) =>
      promisify(execFile)(process.execPath, [compiler, "-p", config], { cwd: root }),
    ),
  );
} catch (error) {
  console.error(error.stdout || error);
  process.exit(1);
}
// Below this file, `.js` is CommonJS; package.json says that it is ESM elsewhere.
writeFileSync(`${root}dist/cjs/package.json`, '{"type": "commonjs"}\n');
