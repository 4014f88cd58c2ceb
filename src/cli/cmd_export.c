/* tongzhou export: indicators in the formats that resolvers, firewalls and other tools read. */
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "connect/outfile.h"
#include "security/intel.h"

static const struct option options[] = {
    {"o", "FILE", "write here instead of standard output (whole or not at all)", AT_MOST_ONCE},
    {"all", NULL, "also what is not TLP:CLEAR and local logs: for our own use only", AT_MOST_ONCE},
    {0},
};

static int write_out(void *ctx, struct span bytes, struct err *err)
{
    if (fwrite(bytes.data, 1, bytes.len, ctx) == bytes.len)
        return 0;
    return err_sys(err, "write");
}

/* NULL: standard output, which is also what `-o -` means. */
static const char *out_path(const struct invocation *inv)
{
    const char *path = cli_option(inv, "o", "-");
    return strcmp(path, "-") == 0 ? NULL : path;
}

static int export_to(struct invocation *inv, struct session *session, FILE *out)
{
    uint64_t count;
    int rc = intel_export(&session->view, inv->args[0], cli_now_ms(), write_out, out, &count, &inv->err);
    if (!rc && fflush(out) != 0)
        rc = err_sys(&inv->err, "write");
    if (!rc && out_path(inv)) {
        cli_put_counted(stderr, count, "indicator", "indicators");
        fprintf(stderr, " in %s\n", out_path(inv));
    }
    return rc;
}

/* The mode of the file that is replaced; a new one is for whoever reads it, unless it holds what is not CLEAR. */
static mode_t choose_mode(const struct invocation *inv, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return st.st_mode & 0777;
    return cli_flag(inv, "all") ? 0600 : 0644;
}

static int export_file(struct invocation *inv, struct session *session, const char *path)
{
    struct outfile outfile;
    FILE *out = NULL;
    int rc = outfile_open(&outfile, path, choose_mode(inv, path), &inv->err);
    int fd = rc ? -1 : dup(outfile.fd);
    if (!rc && (fd < 0 || !(out = fdopen(fd, "wb"))))
        rc = err_sys(&inv->err, "%s", path);
    if (!rc)
        rc = export_to(inv, session, out);
    if (out && fclose(out) != 0 && !rc)
        rc = err_sys(&inv->err, "%s: write", path);
    if (!out && fd >= 0)
        close(fd);
    return outfile_close(&outfile, rc, &inv->err);
}

static int run(struct invocation *inv)
{
    struct session session;
    const char *path = out_path(inv);
    unsigned public_view = cli_flag(inv, "all") ? 0 : SESSION_PUBLIC;
    bool known = false;
    for (size_t i = 0; intel_export_formats[i]; i++)
        known |= strcmp(intel_export_formats[i], inv->args[0]) == 0;
    if (!known)
        return cli_usage(inv, "%s is no format; there are list, hosts, rpz, csv and stix", inv->args[0]);
    int status = session_open(inv, &session, SESSION_INDEX | public_view, OUTLET_EXPORT);
    if (!status) {
        int rc = path ? export_file(inv, &session, path) : export_to(inv, &session, stdout);
        /* What went wrong with standard output is said at the end, unless its reader has seen enough (| head). */
        status = !rc || (!path && ferror(stdout)) ? EXIT_DONE : cli_fail(inv);
    }
    session_close(&session);
    return status;
}

const struct command cmd_export = {
    .name = "export",
    .arguments = "FORMAT",
    .summary = "Write indicators for other tools: list, hosts, rpz, csv, stix",
    .details = "Current indicators, each once. Only TLP:CLEAR leaves, unless --all is given.\n\n"
               "  tongzhou export rpz -o /etc/bind/tongzhou.rpz\n"
               "  tongzhou export list | grep -v '^#'\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
