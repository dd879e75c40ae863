import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { StartFailed } from "./errors.js";

/** How to start `mockserver serve`. */
export interface StartOptions {
  /** Scenario files and folders; default: `scenarios/`, if it exists in the working directory. */
  scenarios?: string | string[];
  /** Command that precedes `serve`; default: `mockserver`. */
  command?: string | string[];
  /** Python interpreter with mockserver; a short form of `command: [python, "-m", "mockserver"]`. */
  python?: string;
  /** Further options of `mockserver serve`, such as `["--tls"]`. */
  args?: string[];
  /** Port; default: a free one. */
  port?: number;
  /** Token of the admin API; default: MOCKSERVER_ADMIN_TOKEN, or none. */
  token?: string;
  /** Working directory of the server. */
  cwd?: string;
  /** Additional environment variables. */
  env?: Record<string, string>;
  /** Time to start in milliseconds; default: 30,000. */
  timeoutMs?: number;
}

/** A server in a child process. It ends with `stop()`, or with this process, however that ends. */
export interface Child {
  readonly url: string;
  readonly adminUrl: string;
  stop(): Promise<void>;
}

const START_MS = 30_000;
const STOP_MS = 5_000;
const KEPT_OUTPUT = 8_000;
const INSTALL =
  "mockserver is a Python program. Install it from a clone of its repository (pip install '/path/to/mockserver[all]'), and put its " +
  "environment on the PATH, or pass `python` (the interpreter of that environment) or `command`";

/** Start `mockserver serve`, and return when it is ready. Throws StartFailed. */
export async function serve(options: StartOptions): Promise<Child> {
  const { scenarios = [], args = [], port = 0, token, cwd, env, timeoutMs = START_MS } = options;
  const [program, ...first] = commandOf(options);
  const settings = ["--port", String(port), "--log-format", "json", ...args];
  const child = spawn(program, [...first, "serve", ...settings, "--", ...[scenarios].flat()], {
    cwd,
    env: { ...process.env, ...(token === undefined ? {} : { MOCKSERVER_ADMIN_TOKEN: token }), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // Ctrl-C is for this process, which then ends the server
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let output = "";
  child.stderr.on("data", (data: Buffer) => (output = (output + data).slice(-KEPT_OUTPUT)));
  const timer = AbortSignal.timeout(timeoutMs);
  try {
    const { mock_url: url, admin_url: adminUrl } = await announcement(child, timer);
    const guard = endWith(child);
    release(child);
    return { url, adminUrl, stop: () => stop(child, ended, guard) };
  } catch (error) {
    if (child.pid === undefined) throw notStarted(program, cwd, error as NodeJS.ErrnoException);
    child.kill("SIGKILL");
    await ended;
    const said = readable(output);
    const command = [program, ...first, "serve"].join(" ");
    if (timer.aborted) throw new StartFailed(`\`${command}\` was not ready within ${timeoutMs / 1000} s\n${said}`.trimEnd());
    const hint = /No module named '?mockserver/.test(said) ? `\n${INSTALL}` : "";
    throw new StartFailed(`\`${command}\` ended with ${exitOf(child)}:\n${said}${hint}`);
  }
}

function commandOf({ command, python }: StartOptions): [string, ...string[]] {
  if (command !== undefined && python !== undefined) throw new TypeError("Pass `python` or `command`, not both");
  if (python !== undefined) return [python, "-m", "mockserver"];
  const [program, ...rest] = [command ?? "mockserver"].flat();
  if (!program) throw new TypeError("`command` is empty");
  return [program, ...rest];
}

function notStarted(program: string, cwd: string | undefined, cause: NodeJS.ErrnoException): StartFailed {
  const name = JSON.stringify(program);
  if (cause.code !== "ENOENT") return new StartFailed(`The command ${name} can't be started: ${cause.message}`, { cause });
  const place = cwd === undefined ? "" : `, or the directory ${cwd} does not exist`;
  return new StartFailed(`The command ${name} was not found${place}. ${INSTALL}`, { cause });
}

function exitOf(child: ChildProcess): string {
  return child.exitCode === null ? `signal ${child.signalCode}` : `exit code ${child.exitCode}`;
}

/** Return the addresses that the server prints on its first line, as JSON, when it is ready. */
function announcement(child: ChildProcess, timer: AbortSignal): Promise<{ mock_url: string; admin_url: string }> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! });
    lines.on("line", (line) => {
      try {
        const document = JSON.parse(line);
        if (typeof document.mock_url === "string") resolve(document);
      } catch {
        // Not the line: of a wrapper such as `docker run`, for example.
      }
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error("closed")));
    timer.addEventListener("abort", () => reject(timer.reason));
  });
}

/**
 * Start a process that ends the child when this process ends, also by SIGKILL: then the pipe to it is closed.
 */
function endWith(child: ChildProcess): ChildProcess {
  const guard = spawn("sh", ["-c", 'cat >/dev/null; kill -TERM "$0"', String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {}); // no shell here: then the child ends by stop() only
  guard.unref();
  (guard.stdin as unknown as { unref?(): void } | null)?.unref?.();
  child.once("exit", () => dismiss(guard));
  return guard;
}

/** End the guard before the id of the child can belong to another process. */
function dismiss(guard: ChildProcess): void {
  guard.kill("SIGKILL");
  guard.stdin?.destroy();
}

/** Let this process end although the child runs. */
function release(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdout, child.stderr]) (stream as unknown as { unref?(): void } | null)?.unref?.();
}

async function stop(child: ChildProcess, ended: Promise<void>, guard: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
  dismiss(guard);
}

/** Return log lines as text: each is a JSON object, unless it comes from elsewhere. */
function readable(output: string): string {
  return output
    .split("\n")
    .map((line) => {
      try {
        return String(JSON.parse(line).message);
      } catch {
        return line;
      }
    })
    .join("\n")
    .trim();
}
