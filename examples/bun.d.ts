/** The little of Bun's types that the example needs; a Bun project has them all from `@types/bun`. */
declare const Bun: {
  readonly env: Readonly<Record<string, string | undefined>>;
  serve(options: {
    hostname: string;
    port: number;
    http2: boolean;
    idleTimeout: number;
    fetch: (request: Request, server: unknown) => Response | Promise<Response>;
  }): { stop(closeActiveConnections?: boolean): Promise<void> };
};
