#include "node/confine.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tell/tell.h"

#define PATH_BYTES 4096
#define RESOLVER "/etc/resolv.conf"

struct places {
    char paths[4][PATH_BYTES];
    const char *list[4];
    size_t count;
};

static void add_folder(struct places *places, const char *path)
{
    char copy[PATH_BYTES];
    if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
        return;
    snprintf(places->paths[places->count], PATH_BYTES, "%s", dirname(copy));
    places->list[places->count] = places->paths[places->count];
    places->count++;
}

/* The folder, since renewing puts a new file there; and the one that a link leads to, as certbot keeps them. */
static void add_file(struct places *places, const char *path)
{
    if (!path)
        return;
    add_folder(places, path);
    char *real = realpath(path, NULL);
    if (real)
        add_folder(places, real);
    free(real);
}

static void resolver_is(struct confined *ret)
{
    struct stat st;
    ret->inode = stat(RESOLVER, &st) == 0 ? st.st_ino : 0;
    ret->device = ret->inode ? st.st_dev : 0;
}

/* Those that the operator names, and those of whoever is told notices: he named these, too. */
struct ports {
    uint16_t list[SANDBOX_PORTS_MAX + TELLERS_MAX + 1];
    size_t count;
};

static int read_ports(const struct node_options *options, struct ports *ret, struct err *err)
{
    struct store_options read_only = {.read_only = true};
    struct store *store;
    size_t told = 0;
    ret->count = options->port_count;
    if (ret->count == 0) /* any */
        return 0;
    memcpy(ret->list, options->ports, ret->count * sizeof(*ret->list));
    int rc = store_open(options->dir, &read_only, &store, err);
    if (rc)
        return rc;
    rc = tell_ports(store, ret->list + ret->count, TELLERS_MAX + 1, &told, err);
    store_close(store);
    ret->count += told;
    return rc;
}

int confine(const struct node_options *options, struct confined *ret, struct err *err)
{
    struct ports ports;
    int rc = read_ports(options, &ports, err);
    if (rc)
        return rc;
    struct places *places = calloc(1, sizeof(*places));
    if (!places)
        return err_memory(err);
    add_file(places, options->tls_cert);
    add_file(places, options->tls_key);
    *ret = (struct confined){0};
    resolver_is(ret);
    struct sandbox_options sandbox = {.want = options->sandbox,
                                      .dir = options->dir,
                                      .read = places->list,
                                      .read_count = places->count,
                                      .network = true,
                                      .ports = ports.list,
                                      .port_count = ports.count};
    rc = sandbox_enter(&sandbox, err);
    free(places);
    return rc;
}

bool confined_is_stale(struct confined *confined)
{
    struct confined now;
    struct stat st;
    if (confined->told || !sandbox_state()->files)
        return false;
    resolver_is(&now);
    if (now.inode == 0 || (now.inode == confined->inode && now.device == confined->device))
        return false;
    /* A link to where the resolver's own files are: that folder may be read (sandbox/landlock.c). */
    if (lstat(RESOLVER, &st) == 0 && S_ISLNK(st.st_mode))
        return false;
    confined->told = true;
    return true;
}
