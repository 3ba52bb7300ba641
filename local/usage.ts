/** What `--help` prints: every option, on one screen. */
export const USAGE = `usage: npm run local -- [--app] <folder> [options]     in other projects: npx openline-local …

Runs a CDK app's WebSocket and HTTP APIs, functions, tables, streams, queues and schedules on
this machine. <folder> is the cloud assembly that is deployed to AWS (cdk.out), or a CDK
project, which is synthesized; by default the one that you are in.

Where things are
  --port <number>        port of the page; each API gets the next one; 0: any (default 4500)
  --web <folder>         a page to serve; its .ts files are bundled when asked for
  --state <folder>       where the log and outputs.json go (default .openline)
  --data <folder>        keeps the tables across starts (default: they begin empty)

What runs; those with k=v, and --stack, may be repeated
  -c, --context k=v      context for the app, as for cdk
  --stack <name>         this stack, with those it needs; * fits any text
  --region <name>        the Region to be in, where the app has several or none
  --account <id>         the account to be in, likewise
  --parameter k=v        a template parameter; stack:k=v for one stack's
  --ssm, --secret, --import k=v
                         what the app takes for granted: parameters, secrets, others' exports

How AWS behaves
  --iam on|off           whether signatures and permissions are checked (default on)
  --quota k=v,…          the account's (default requests=10000,burst=5000,connections=500)
  --loss-notice <when>   a cut line is noticed immediately (default), at-idle-timeout or never
  --strict               posts that are no UTF-8 and replies of nothing fail (default: taken)
  --latency none|aws     whether cold starts, stream polls and posts take time (default none)
  --faults <kinds>       what is to go wrong, as in post.429=0.05; "help" lists the kinds
  --seed <number>        makes the faults of a run those of another (default: by chance)

While you work
  --no-watch             edits change nothing until the next start
  --inspect[=<port>]     a debugger may attach to functions (default port 9229); none times out
  -h, --help             this text
`
