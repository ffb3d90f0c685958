import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Arguments that run Debian's nginx in the foreground with `prefix` for all it writes. It has a PID namespace of its own,
 * so that its workers end with it, and it ends with its parent process. Its settings are those of Debian's nginx.conf.
 */
export async function prepareNginx(options: {
  prefix: string;
  root: string;
  address: string;
  port: number;
}): Promise<readonly [file: string, ...args: string[]]> {
  const { prefix, root, address, port } = options;
  await mkdir(prefix, { recursive: true });
  const config = join(prefix, "nginx.conf");
  await writeFile(config, configuration({ prefix, root, address, port }));
  const nginx = ["nginx", "-p", prefix, "-e", "stderr", "-c", config];
  return ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", ...nginx];
}

const configuration = ({ prefix, root, address, port }: Parameters<typeof prepareNginx>[0]) => `daemon off;
user root;
worker_processes auto;
pid ${prefix}/nginx.pid;
events { worker_connections 768; }
http {
  sendfile on;
  tcp_nopush on;
  access_log off;
  default_type application/octet-stream;
${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `  ${name}_temp_path ${prefix}/${name};`).join("\n")}
  server { listen ${address}:${port}; root ${root}; }
}
`;
