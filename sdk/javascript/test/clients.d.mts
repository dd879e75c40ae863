type Post = (url: string, json: unknown, headers?: Record<string, string>) => Promise<any>;

export const clients: Record<"axios-retry" | "got" | "undici", Post>;
