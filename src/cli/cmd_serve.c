/* tongzhou serve: the running node. */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "node/node.h"
#include "state/vault.h"

static const struct option options[] = {
    {"listen", "A:P", "address and port (default 127.0.0.1:8440; port 0: any free one)", AT_MOST_ONCE},
    {"endpoint", "URL", "where others reach this node, beside what its profile says: as behind a web server",
     ANY_NUMBER},
    {"alone", NULL, "do not wait for a peer that tells how far our own logs are: for the first node of all",
     AT_MOST_ONCE},
    {"tls-cert", "FILE", "certificate and what leads to its root, PEM: speak TLS; SIGHUP reads it again", AT_MOST_ONCE},
    {"tls-key", "FILE", "its key, PEM", AT_MOST_ONCE},
    {"trust-proxy", "H@A", "believe header H, a user's name, from address A: of a proxy that signs people in",
     AT_MOST_ONCE},
    {"insecure-sign-in", NULL, "let people sign in though others may read along: off loopback without TLS",
     AT_MOST_ONCE},
    {"sandbox", "HOW", "off, try (default) or require: what the kernel keeps this process from", AT_MOST_ONCE},
    {"connect-ports", "PORTS", "connect to these TCP ports only, as 443,8440 (default: any)", AT_MOST_ONCE},
    {"oidc", "ISSUER", "let people sign in at this OpenID Connect provider, too: its https address", AT_MOST_ONCE},
    {"oidc-client", "ID", "as what this node is known there", AT_MOST_ONCE},
    {"oidc-base", "URL", "the address that browsers know this node by (default: where it listens)", AT_MOST_ONCE},
    {0},
};

#define ENDPOINTS_MAX 16

static void tell(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "tongzhou: %s\n", line);
}

static void ready(void *ctx, const char *url)
{
    const struct log_info *log = ctx;
    char name[ORIGIN_MAX + 1];
    origin_short(span_str(log->origin), name);
    printf("%s serves %s/ (Ctrl-C ends it)\n", name, url);
    fflush(stdout);
}

/* "443,8440" */
static int read_ports(struct invocation *inv, uint16_t ports[SANDBOX_PORTS_MAX], size_t *ret_count)
{
    const char *text = cli_option(inv, "connect-ports", NULL), *at = text;
    *ret_count = 0;
    while (at) {
        char *end;
        unsigned long port = at[0] >= '0' && at[0] <= '9' ? strtoul(at, &end, 10) : 0;
        if (port == 0 || port > UINT16_MAX || (*end && *end != ','))
            return cli_usage(inv, "--connect-ports %s: must be ports, 1 to 65535, with commas between", text);
        if (*ret_count == SANDBOX_PORTS_MAX)
            return cli_usage(inv, "--connect-ports: more than %d", SANDBOX_PORTS_MAX);
        ports[(*ret_count)++] = (uint16_t)port;
        at = *end ? end + 1 : NULL;
    }
    return 0;
}

static int run(struct invocation *inv)
{
    struct session session;
    struct log_info log = {0};
    uint16_t ports[SANDBOX_PORTS_MAX];
    size_t port_count;
    enum sandbox_want want = sandbox_want_default();
    const char *how = cli_option(inv, "sandbox", NULL);
    if (how && !sandbox_want_parse(how, &want))
        return cli_usage(inv, "--sandbox %s: must be off, try or require", how);
    if (read_ports(inv, ports, &port_count))
        return EXIT_USAGE;
    if (!cli_option(inv, "tls-cert", NULL) != !cli_option(inv, "tls-key", NULL))
        return cli_usage(inv, "--tls-cert and --tls-key belong together");
    if (!cli_option(inv, "oidc", NULL) != !cli_option(inv, "oidc-client", NULL) ||
        (cli_option(inv, "oidc-base", NULL) && !cli_option(inv, "oidc", NULL)))
        return cli_usage(inv, "--oidc and --oidc-client belong together, --oidc-base to both");
    if (vault_open(inv->dir, &inv->err)) /* while there is a terminal to ask at */
        return cli_fail(inv);
    int status = session_open(inv, &session, SESSION_INDEX, OUTLET_CLI_LOG);
    if (!status && store_operator(session.store, &log, &inv->err))
        status = cli_fail(inv);
    session_close(&session);
    if (status)
        return status;
    const char *endpoints[ENDPOINTS_MAX];
    size_t count = 0;
    for (int i = 0; i < inv->given_count; i++) {
        if (strcmp(inv->given[i].option->name, "endpoint") != 0)
            continue;
        if (count == ENDPOINTS_MAX)
            return cli_usage(inv, "more than %d of --endpoint", ENDPOINTS_MAX);
        endpoints[count++] = inv->given[i].value;
    }
    struct node_options node_options = {.dir = inv->dir,
                                        .listen = cli_option(inv, "listen", "127.0.0.1:8440"),
                                        .endpoints = endpoints,
                                        .endpoint_count = count,
                                        .alone = cli_flag(inv, "alone"),
                                        .tls_cert = cli_option(inv, "tls-cert", NULL),
                                        .tls_key = cli_option(inv, "tls-key", NULL),
                                        .trust_proxy = cli_option(inv, "trust-proxy", NULL),
                                        .insecure_sign_in = cli_flag(inv, "insecure-sign-in"),
                                        .sandbox = want,
                                        .ports = ports,
                                        .port_count = port_count,
                                        .oidc_issuer = cli_option(inv, "oidc", NULL),
                                        .oidc_client = cli_option(inv, "oidc-client", NULL),
                                        .oidc_base = cli_option(inv, "oidc-base", NULL),
                                        .tell = tell,
                                        .ready = ready,
                                        .ctx = &log};
    int rc = node_run(&node_options, &inv->err);
    return rc == ERR_USAGE ? cli_usage(inv, "%s", inv->err.text) : rc ? cli_fail(inv) : EXIT_DONE;
}

const struct command cmd_serve = {
    .name = "serve",
    .arguments = "",
    .summary = "Run the node: pages, logs for others, pulling from peers, feeds",
    .details =
        "Serves on loopback unless told otherwise. Other commands work beside it on the same folder.\n"
        "Off loopback people can sign in only with TLS, through a proxy that is trusted, or if --insecure-sign-in\n"
        "says so; what is public is served in any case.\n"
        "The node reads and writes its folder and reads what a resolver and TLS need, and nothing else; it starts no\n"
        "program. The first line that it says names what the kernel offered for that; --sandbox require insists.\n"
        "A client's secret for --oidc stands in DIR/keys/oidc-secret, mode 600, or is the systemd credential "
        "oidc-secret.\n"
        "Whom the provider knows may sign in once `tongzhou user bind` says whose account it is.\n"
        "SIGINT or SIGTERM ends it; nothing acknowledged is lost, whatever ends it.\n",
    .options = options,
    .max_args = 0,
    .run = run,
};
