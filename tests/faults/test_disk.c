/*
 * The simulated disk: a node works, ends at any of its changes to any of its files (a kill, or a power cut that takes any
 * part of what was not synced), and is opened again, many times over; nothing that it acknowledged may be lost.
 *
 *   test_disk                      as a test: some seeds, and every kind of sync left out must be noticed
 *   test_disk FIRST COUNT          seeds FIRST, FIRST + 1, ...; COUNT "endless": until interrupted
 *   test_disk FIRST COUNT FORGET   the same, where syncs of files whose name contains FORGET do nothing
 *
 * Exit status 1 after a seed that failed; its line says how to run it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "index/capability.h"
#include "ledger.h"
#include "rng.h"
#include "shadow.h"

/* Whoever lets contents in asks capabilities for scores and groups; nothing is folded here. */
const struct capability *const capabilities[] = {NULL};

#define EPOCHS_MAX 6
#define TAPE_SIZE ((size_t)512 << 20) /* reserved, not used */
#define URANDOM_SIZE 65536

static char scratch[64]; /* a folder of ours */
static struct tape *tape;
static struct ledger *ledger;
static struct source *source;

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static struct {
    uint64_t seeds, epochs, kills, cuts, ends, failing, lost, acknowledged, records, checked;
} counts;

static void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("memory");
        exit(2);
    }
    return memory;
}

/* ---- chance, the same in every run: libsodium's from here, SQLite's from a file in place of /dev/urandom ---- */

static uint64_t chance;

static void chance_bytes(void *out, const size_t len)
{
    uint8_t *to = out;
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)rng_next(&chance);
}

static uint32_t chance_word(void)
{
    return (uint32_t)rng_next(&chance);
}

static const char *chance_name(void)
{
    return "a seed";
}

static void chance_begin(uint64_t seed)
{
    static struct randombytes_implementation implementation = {
        .implementation_name = chance_name, .random = chance_word, .buf = chance_bytes};
    static char path[96];
    static uint8_t bytes[URANDOM_SIZE];
    chance = seed;
    randombytes_set_implementation(&implementation);
    snprintf(path, sizeof(path), "%s/urandom", scratch);
    chance_bytes(bytes, sizeof(bytes));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes))
        _exit(2);
    close(fd);
    tape_urandom(path);
}

/* ---- one life of the node ---- */

static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            exit(2);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void live(uint64_t seed, uint64_t nth, enum tape_end end, unsigned operations)
{
    signal(SIGINT, SIG_IGN); /* the parent's: it ends after this seed */
    chance_begin(seed);
    tape_begin(tape, ledger->root, nth, end);
    struct store *store = work_open(ledger);
    work_some(ledger, &store, source, operations);
    snprintf(ledger->doing, sizeof(ledger->doing), "close");
    store_close(store);
    _exit(0);
}

static int epoch(uint64_t *rng, bool last)
{
    static const uint64_t most[] = {20, 60, 200, 1000};
    uint64_t nth = last ? 0 : 1 + rng_below(rng, most[rng_below(rng, 4)]), seed = rng_next(rng);
    /* Four of five end, one goes on with a disk that fails. */
    enum tape_end end = rng_one_in(rng, 5) ? TAPE_FAIL_ONCE + (unsigned)rng_below(rng, TAPE_ENDS - TAPE_FAIL_ONCE)
                                           : (unsigned)rng_below(rng, 2);
    counts.failing += nth > 0 && end >= TAPE_FAIL_ONCE;
    unsigned operations = 1 + (unsigned)rng_below(rng, 4);
    ledger->rng = rng_next(rng);
    pid_t child = fork();
    if (child == 0)
        live(seed, nth, end, operations);
    if (child < 0)
        exit(2);
    counts.epochs++;
    return wait_for(child);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

/* NULL, or what was broken. */
static const char *run_lives(struct shadow *shadow, uint64_t *rng)
{
    static char text[1300];
    unsigned epochs = 2 + (unsigned)rng_below(rng, EPOCHS_MAX - 1);
    for (unsigned i = 0; i < epochs; i++) {
        int status = epoch(rng, i + 1 == epochs);
        if (status == BROKEN)
            return ledger->broken;
        if (status != 0 && status != TAPE_STOPPED) {
            snprintf(text, sizeof(text), "%s: ended with status %d", ledger->doing, status);
            return text;
        }
        shadow_play(shadow, tape, rng);
        if (shadow_compare(shadow, text, sizeof(text)) != 0)
            return text;
        /* Cut, killed, or neither; a process that closed may lose the power, too. */
        bool cut = rng_one_in(rng, 2);
        counts.ends += status == 0;
        counts.kills += status == TAPE_STOPPED && !cut;
        counts.cuts += cut;
        if (cut) {
            counts.lost += shadow_pending(shadow);
            shadow_cut(shadow, rng);
        }
    }
    return NULL;
}

static const char *run_seed(uint64_t seed, const char *forget)
{
    uint64_t rng = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    memset(ledger, 0, sizeof(*ledger));
    ledger->theme = seed;
    snprintf(ledger->root, sizeof(ledger->root), "%s/disk", scratch);
    nftw(ledger->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (mkdir(ledger->root, 0700) != 0) {
        perror(ledger->root);
        exit(2);
    }
    struct shadow *shadow = shadow_new(ledger->root);
    shadow_folder(shadow, "safe"); /* where people keep backups and recovery keys */
    shadow_forget(shadow, forget);
    const char *failure = run_lives(shadow, &rng);
    shadow_free(shadow);
    counts.seeds++;
    counts.acknowledged += ledger->acknowledged;
    counts.records += ledger->records;
    counts.checked += ledger->checked;
    return failure;
}

/* ---- many seeds ---- */

static void prepare(void)
{
    const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(scratch, sizeof(scratch), "%s/tongzhou-disk.XXXXXX", tmp);
    if (!mkdtemp(scratch)) {
        perror(scratch);
        exit(2);
    }
    tape = tape_new(TAPE_SIZE);
    ledger = shared(sizeof(*ledger));
    source = shared(sizeof(*source));
    pid_t child = fork();
    if (child == 0) {
        chance_begin(1);
        source_make(scratch, source);
        _exit(0);
    }
    if (!tape || child < 0 || wait_for(child) != 0) {
        fprintf(stderr, "no source log\n");
        exit(2);
    }
}

static void tidy(void)
{
    nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void report(void)
{
    printf("# %" PRIu64 " seeds: %" PRIu64 " lives, %" PRIu64 " killed, %" PRIu64 " with a failing disk, %" PRIu64
           " power cuts with %" PRIu64 " changes at stake, %" PRIu64 " closed; %" PRIu64 " operations and %" PRIu64
           " records acknowledged, %" PRIu64 " entries checked\n",
           counts.seeds, counts.epochs, counts.kills, counts.failing, counts.cuts, counts.lost, counts.ends,
           counts.acknowledged, counts.records, counts.checked);
    fflush(stdout);
}

static int campaign(uint64_t first, uint64_t count, const char *forget)
{
    for (uint64_t i = 0; i < count && !interrupted; i++) {
        const char *failure = run_seed(first + i, forget);
        if (failure) {
            printf("seed %" PRIu64 ": %s\n# again: make faults SEED=%" PRIu64 " SEEDS=1\n", first + i, failure,
                   first + i);
            report();
            return 1;
        }
        if (counts.seeds % 1000 == 0)
            report();
    }
    if (counts.seeds % 1000 != 0)
        report();
    return 0;
}

/* ---- as a test ---- */

#define TEST_SEEDS 100
#define FORGET_SEEDS 400

static int as_test(void)
{
    static const char *const forgotten[] = {"state.db-wal", "entries", "hashes", "bundles", "slots",
                                            "data",         ".key",    "keys",   "logs",    "payloads"};
    size_t number = 1, bad = 0, kinds = sizeof(forgotten) / sizeof(*forgotten);
    const char *failure = NULL;
    uint64_t seed = 1;
    while (seed <= TEST_SEEDS && !(failure = run_seed(seed, NULL)))
        seed++;
    bad += failure != NULL;
    printf("%sok %zu - nothing acknowledged is lost, whatever a disk does\n", failure ? "not " : "", number++);
    if (failure)
        printf("# seed %" PRIu64 ": %s\n", seed, failure);
    report();
    for (size_t i = 0; i < kinds; i++) {
        for (seed = 1, failure = NULL; seed <= FORGET_SEEDS && !failure; seed++)
            failure = run_seed(seed, forgotten[i]);
        bad += failure == NULL;
        printf("%sok %zu - it would be noticed if \"%s\" were not synced\n", failure ? "" : "not ", number++,
               forgotten[i]);
        if (failure)
            printf("# seed %" PRIu64 ": %s\n", seed - 1, failure);
        fflush(stdout);
    }
    printf("1..%zu\n", number - 1);
    return bad > 0;
}

int main(int argc, char **argv)
{
    if (argc != 1 && argc != 3 && argc != 4) {
        fprintf(stderr, "usage: test_disk [FIRST COUNT [FORGET]]\n");
        return 2;
    }
    prepare();
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    int rc;
    if (argc == 1) {
        rc = as_test();
    } else {
        uint64_t count = strcmp(argv[2], "endless") == 0 ? UINT64_MAX : strtoull(argv[2], NULL, 10);
        rc = campaign(strtoull(argv[1], NULL, 10), count, argc == 4 ? argv[3] : NULL);
    }
    tidy();
    return rc;
}
