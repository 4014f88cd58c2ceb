/*
 * System calls by a list of those allowed, with libseccomp: it knows the numbers of every architecture, refuses calls of
 * other ones (32 bits, x32), and makes a search tree of the list; a filter of our own would be no shorter.
 */
#include "sandbox/internal.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Some are not on every architecture, some are newer than the library: those are left out. */
static const char allowed[] =
    /* files, within what Landlock leaves */
    "read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 open openat creat close "
    "close_range stat fstat lstat newfstatat statx statfs fstatfs lseek access faccessat faccessat2 readlink "
    "readlinkat getdents64 mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat truncate "
    "ftruncate fallocate fadvise64 fsync fdatasync sync_file_range flock fcntl dup dup2 dup3 umask chmod "
    "fchmod fchmodat fchown utimensat getcwd copy_file_range sendfile pipe pipe2 "
    /* memory */
    "munmap mremap madvise brk msync mlock mlock2 munlock mincore membarrier "
    /* threads and waiting */
    "futex futex_waitv set_robust_list get_robust_list rseq set_tid_address gettid exit exit_group "
    "sched_yield sched_getaffinity getcpu restart_syscall poll ppoll select pselect6 epoll_create "
    "epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 rt_sigaction rt_sigprocmask "
    "rt_sigreturn rt_sigtimedwait rt_sigpending rt_sigsuspend sigaltstack clock_gettime clock_getres "
    "clock_nanosleep nanosleep gettimeofday time "
    /* who and where we are */
    "getpid getppid getuid geteuid getgid getegid getresuid getresgid uname sysinfo getrlimit getrusage times "
    "getrandom";

/* With sockets that exist, or that `network` lets be made. */
static const char allowed_network[] =
    "connect accept accept4 bind getsockname getpeername getsockopt setsockopt recvfrom "
    "recvmsg recvmmsg shutdown";

/* What only an intruder would call: that ends the process, and the kernel's log tells which call it was. */
static const char fatal[] =
    "execve execveat ptrace process_vm_readv process_vm_writev bpf init_module finit_module kexec_load "
    "kexec_file_load mount umount2 pivot_root chroot unshare setns setuid setgid setresuid setresgid setreuid "
    "setregid";

/* `names`, with blanks between. */
static int add_all(scmp_filter_ctx filter, uint32_t action, const char *names)
{
    char name[32];
    int rc = 0, taken;
    for (const char *at = names; rc == 0 && sscanf(at, " %31s%n", name, &taken) == 1; at += taken) {
        int call = seccomp_syscall_resolve_name(name);
        rc = call < 0 ? 0 : seccomp_rule_add_array(filter, action, call, 0, NULL);
    }
    return rc;
}

/* An argument that has this value; that has these of the bits in `mask`. */
#define ARG_IS(number, value) ((struct scmp_arg_cmp){number, SCMP_CMP_EQ, (scmp_datum_t)(value), 0})
#define ARG_BITS(number, mask, bits) ((struct scmp_arg_cmp){number, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), bits})

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct condition {
    int call;
    unsigned count;
    struct scmp_arg_cmp args[3];
};

static int add_conditions(scmp_filter_ctx filter, const struct condition *conditions, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        if (conditions[i].call >= 0)
            rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, conditions[i].call, conditions[i].count,
                                        conditions[i].args);
    return rc;
}

/*
 * Memory becomes executable only out of a file. That is for modules of libraries; a file that the program itself has
 * written cannot be told from one here.
 */
static int add_memory(scmp_filter_ctx filter)
{
    const struct condition conditions[] = {
        {SCMP_SYS(mmap), 1, {ARG_BITS(2, PROT_EXEC, 0)}},
        {SCMP_SYS(mmap), 2, {ARG_BITS(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), ARG_BITS(3, MAP_ANONYMOUS, 0)}},
        {SCMP_SYS(mprotect), 1, {ARG_BITS(2, PROT_EXEC, 0)}},
    };
    return add_conditions(filter, conditions, COUNT(conditions));
}

/* Threads, no processes; signals to ourselves; our own limits; a thread's name. */
static int add_process(scmp_filter_ctx filter)
{
    uint64_t own = (uint64_t)getpid();
    const struct condition conditions[] = {
        {SCMP_SYS(clone), 1, {ARG_BITS(0, CLONE_THREAD, CLONE_THREAD)}},
        {SCMP_SYS(kill), 1, {ARG_IS(0, own)}},
        {SCMP_SYS(tgkill), 1, {ARG_IS(0, own)}},
        {SCMP_SYS(prlimit64), 2, {ARG_IS(0, 0), ARG_IS(2, 0)}}, /* asked, not set */
        {SCMP_SYS(prctl), 1, {ARG_IS(0, PR_SET_NAME)}},
        {SCMP_SYS(ioctl), 1, {ARG_IS(1, FIONREAD)}},
        {SCMP_SYS(ioctl), 1, {ARG_IS(1, FIONBIO)}},
        {SCMP_SYS(ioctl), 1, {ARG_IS(1, TCGETS)}},
        {SCMP_SYS(ioctl), 1, {ARG_IS(1, TIOCGWINSZ)}},
    };
    return add_conditions(filter, conditions, COUNT(conditions));
}

/*
 * TCP and UDP; a socket file (the service manager, the system's log, resolvers); what addresses this machine has. Landlock
 * looks at TCP's connect and bind alone, so what gets there otherwise is left out: MPTCP, and data that opens a connection.
 */
static int add_sockets(scmp_filter_ctx filter)
{
#define TYPE_IS(type) ARG_BITS(1, 0xf, type)
#define INTERNET(domain, type, protocol)                                                                               \
    {SCMP_SYS(socket), 3, {ARG_IS(0, domain), TYPE_IS(type), ARG_IS(2, 0)}},                                           \
    {                                                                                                                  \
        SCMP_SYS(socket), 3,                                                                                           \
        {                                                                                                              \
            ARG_IS(0, domain), TYPE_IS(type), ARG_IS(2, protocol)                                                      \
        }                                                                                                              \
    }
    const struct condition conditions[] = {
        INTERNET(AF_INET, SOCK_STREAM, IPPROTO_TCP),
        INTERNET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
        INTERNET(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
        INTERNET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
        {SCMP_SYS(socket), 1, {ARG_IS(0, AF_UNIX)}},
        {SCMP_SYS(socket), 2, {ARG_IS(0, AF_NETLINK), ARG_IS(2, NETLINK_ROUTE)}},
        {SCMP_SYS(socketpair), 1, {ARG_IS(0, AF_UNIX)}},
        {SCMP_SYS(sendto), 1, {ARG_BITS(3, MSG_FASTOPEN, 0)}},
        {SCMP_SYS(sendmsg), 1, {ARG_BITS(2, MSG_FASTOPEN, 0)}},
        {SCMP_SYS(sendmmsg), 1, {ARG_BITS(3, MSG_FASTOPEN, 0)}},
    };
#undef INTERNET
#undef TYPE_IS
    int rc = add_conditions(filter, conditions, COUNT(conditions));
    return rc ? rc : add_all(filter, SCMP_ACT_ALLOW, allowed_network);
}

static int build(scmp_filter_ctx filter, bool network)
{
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0)
        rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc == 0)
        rc = add_all(filter, SCMP_ACT_ALLOW, allowed);
    if (rc == 0)
        rc = add_all(filter, SCMP_ACT_KILL_PROCESS, fatal);
    if (rc == 0)
        rc = add_memory(filter);
    if (rc == 0)
        rc = add_process(filter);
    return rc == 0 && network ? add_sockets(filter) : rc;
}

int seccomp_enter(const struct sandbox_options *options, struct err *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (!filter)
        return err_memory(err);
    int rc = build(filter, options->network);
    if (rc < 0)
        err_set(err, rc == -ENOMEM ? ERR_MEMORY : ERR_IO, "seccomp: filter: %s", strerror(-rc));
    else if ((rc = seccomp_load(filter)) < 0)
        err_set(err, ERR_STATE, "this kernel has no seccomp (%s)", strerror(-rc));
    seccomp_release(filter);
    return rc < 0 ? err->code : 0;
}
