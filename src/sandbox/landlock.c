#include "sandbox/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The C library has no functions for these calls, and the kernel's header is as old as the system that we are built on, while
 * the kernel that we run on may offer more: so what came after version 2 stands here, by Documentation/userspace-api/landlock.
 */
#define FS_TRUNCATE (UINT64_C(1) << 14)  /* version 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* 5 */
#define NET_BIND (UINT64_C(1) << 0)      /* 4, as the next two */
#define NET_CONNECT (UINT64_C(1) << 1)
#define RULE_PORT 2
#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0) /* 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

struct ruleset {
    uint64_t files, ports, scopes;
};

struct port_rule {
    uint64_t access, port;
};

#define FS_VERSION_2 ((UINT64_C(1) << 14) - 1) /* all from EXECUTE to REFER */
#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE                                                                                                          \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                  \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)
#define ON_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

/* What our libraries read while the program runs; a system has some of them. */
static const char *const system_paths[] = {
    "/etc/resolv.conf", /* names of peers: the resolver and what it may ask */
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/etc/ssl/certs", /* who answers for their certificates */
    "/etc/ssl/openssl.cnf",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/gnutls",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/lib", /* modules of the resolver, of OpenSSL, of character sets */
    "/usr/lib32",
    "/usr/lib64",
    "/lib",
    "/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/proc/self", /* since when this process runs (connect/startcheck.c) */
    "/proc/sys/kernel/random",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/dev/urandom",
    "/dev/random",
};

/* No such path is no error: nothing is allowed then. */
static void allow(int rules, const char *path, uint64_t access)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0) {
        struct landlock_path_beneath_attr rule = {.allowed_access = S_ISDIR(st.st_mode) ? access : access & ON_FILES,
                                                  .parent_fd = fd};
        /* Refused for what lies in no file system, as a pipe behind /dev/fd: that is not restricted either. */
        (void)!syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    close(fd);
}

static void allow_files(int rules, const struct sandbox_options *options, uint64_t handled)
{
    allow(rules, options->dir, (READ | WRITE) & handled);
    const char *spill = getenv("SQLITE_TMPDIR");
    if (spill)
        allow(rules, spill, (READ | WRITE) & handled);
    allow(rules, "/dev/null", (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE));
    for (size_t i = 0; i < options->read_count; i++)
        allow(rules, options->read[i], READ);
    for (size_t i = 0; i < sizeof(system_paths) / sizeof(*system_paths); i++)
        allow(rules, system_paths[i], READ);
}

static int allow_port(int rules, uint16_t port, struct err *err)
{
    struct port_rule rule = {.access = NET_CONNECT, .port = port};
    return syscall(SYS_landlock_add_rule, rules, RULE_PORT, &rule, 0) == 0 ? 0
                                                                           : err_sys(err, "Landlock: port %u", port);
}

/* Which port a peer has is in its address, and addresses are learnt: so any may be connected to unless the operator knows. */
static uint64_t ports_handled(const struct sandbox_options *options)
{
    return options->network && options->port_count == 0 ? NET_BIND : NET_BIND | NET_CONNECT;
}

static int restrict_with(int rules, const struct sandbox_options *options, const struct ruleset *set, struct err *err)
{
    int rc = 0;
    allow_files(rules, options, set->files);
    if (options->network && (set->ports & NET_CONNECT)) {
        rc = allow_port(rules, 53, err);
        for (size_t i = 0; i < options->port_count && !rc; i++)
            rc = allow_port(rules, options->ports[i], err);
    }
    if (!rc && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        rc = err_sys(err, "Landlock");
    return rc;
}

int landlock_enter(const struct sandbox_options *options, struct sandbox_state *state, struct err *err)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 0)
        return err_set(err, ERR_STATE, "this kernel has no Landlock (%s)", strerror(errno));
    if (version < 2) /* files could not be moved between our own folders (Linux before 5.19) */
        return err_set(err, ERR_STATE, "Landlock %ld is too old, 2 is needed", version);
    struct ruleset set = {.files = FS_VERSION_2};
    size_t size = sizeof(set.files);
    if (version >= 3)
        set.files |= FS_TRUNCATE;
    if (version >= 5)
        set.files |= FS_IOCTL_DEV;
    if (version >= 4) {
        set.ports = ports_handled(options);
        size = 2 * sizeof(uint64_t);
    }
    if (version >= 6) {
        set.scopes = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
        size = sizeof(set);
    }
    int rules = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
    if (rules < 0)
        return err_sys(err, "Landlock");
    int rc = restrict_with(rules, options, &set, err);
    close(rules);
    if (rc)
        return rc;
    state->landlock = (int)version;
    state->files = true;
    state->ports = set.ports != 0;
    state->others = set.scopes != 0;
    return set.ports ? 0 : err_set(err, ERR_STATE, "ports (Landlock %ld, 4 is needed)", version);
}
