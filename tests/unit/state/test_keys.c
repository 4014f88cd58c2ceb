#include "state/node.h"

#include <fcntl.h>
#include <sodium.h>

#include "base/codec.h"
#include "state/secret.h"
#include "state/vault.h"

static struct node node;
static char origin[ORIGIN_MAX + 1];

static int start(void **state)
{
    (void)state;
    node_start(&node);
    struct tlog_hash leaf = {{7}};
    char base32[BASE32_LEN(32) + 1];
    base32_encode(leaf.b, 32, base32);
    snprintf(origin, sizeof origin, "keys.example.org/%s", base32);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    node_stop(&node);
    return 0;
}

static void key_path(char out[256])
{
    uint8_t hash[32];
    char hex[65];
    origin_hash(span_str(origin), hash);
    hex_encode(hash, 32, hex);
    snprintf(out, 256, "%s/keys/%s.key", node.dir, hex);
}

static void save_and_load(void **state)
{
    (void)state;
    struct keys keys, back;
    struct stat st;
    char path[256], folder[128];
    keys_make(&keys);
    strcpy(keys.origin, origin);
    bad(keys_load(node.dir, span_str(origin), &back, &err), ERR_NOTFOUND, "no keys of");
    for (int next = 0; next < 4; next++) {
        keys.has_next = next & 1;
        memset(keys.next_seed, keys.has_next ? 9 : 0, 32);
        keys.has_others_next = next & 2;
        memset(keys.cosigner_next, keys.has_others_next ? 10 : 0, 32);
        memset(keys.request_next, keys.has_others_next ? 11 : 0, 32);
        memset(keys.encryption_next, keys.has_others_next ? 12 : 0, 32);
        good(keys_save(node.dir, &keys, &err));
        good(keys_load(node.dir, span_str(origin), &back, &err));
        assert_memory_equal(&keys, &back, sizeof keys);
    }
    key_path(path);
    snprintf(folder, sizeof folder, "%s/keys", node.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    /* Others may read it. */
    assert_int_equal(chmod(path, 0640), 0);
    bad(keys_load(node.dir, span_str(origin), &back, &err), ERR_REFUSED, "chmod 600");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    good(keys_save(node.dir, &keys, &err));
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    good(keys_remove(node.dir, span_str(origin), &err));
    bad(keys_remove(node.dir, span_str(origin), &err), ERR_NOTFOUND, "no keys of");
    assert_int_not_equal(access(path, F_OK), 0);
}

static void out_of_form(void **state)
{
    (void)state;
    struct keys keys, back;
    struct buf text, broken;
    keys_make(&keys);
    strcpy(keys.origin, origin);
    buf_init(&text, 4096);
    buf_init(&broken, 8192);
    keys_format(&keys, &text);
    good(keys_parse(buf_view(&text), &back, &err));
    assert_memory_equal(&keys, &back, sizeof keys);
    for (size_t cut = 0; cut < text.len; cut++) {
        struct err err;
        assert_int_equal(keys_parse(span_of(text.data, cut), &back, &err), ERR_SYNTAX);
    }
    /* The three that are next come together. */
    size_t without = text.len;
    keys.has_others_next = true;
    memset(keys.encryption_next, 12, 32);
    buf_clear(&text);
    keys_format(&keys, &text);
    good(keys_parse(buf_view(&text), &back, &err));
    assert_memory_equal(&keys, &back, sizeof keys);
    for (size_t cut = without + 1; cut < text.len; cut++) {
        struct err err;
        assert_int_equal(keys_parse(span_of(text.data, cut), &back, &err), ERR_SYNTAX);
    }
    buf_span(&broken, buf_view(&text));
    buf_str(&broken, "more\n");
    bad(keys_parse(buf_view(&broken), &back, &err), ERR_SYNTAX, "keys");
    assert_true(sodium_is_zero((const unsigned char *)&back, sizeof back));
    /* Another member's file under this name. */
    good(keys_save(node.dir, &keys, &err));
    char path[256];
    key_path(path);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 7, SEEK_SET), 0);
    fputs("lies", file);
    fclose(file);
    bad(keys_load(node.dir, span_str(origin), &back, &err), ERR_SYNTAX, "these are keys of");
    buf_done(&text);
    buf_done(&broken);
}

static void public_halves(void **state)
{
    (void)state;
    struct keys keys;
    struct profile profile;
    uint8_t wanted[32];
    keys_make(&keys);
    keys_publish(&keys, &profile);
    ed25519_keypair(keys.request_seed, wanted);
    assert_memory_equal(profile.request_key, wanted, 32);
    assert_int_equal(crypto_scalarmult_base(wanted, keys.encryption_seed), 0);
    assert_memory_equal(profile.encryption_key, wanted, 32);
    keys_wipe(&keys);
    assert_true(sodium_is_zero((const unsigned char *)&keys, sizeof keys));
}

static void recovery(void **state)
{
    (void)state;
    uint8_t public_key[32], seed[32], again[32];
    struct stat st;
    const char *path = node_path(&node, "take-me-away");
    good(recovery_create(path, span_str(origin), public_key, &err));
    bad(recovery_create(path, span_str(origin), public_key, &err), ERR_EXISTS, "there already");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    good(recovery_load(path, seed, &err));
    ed25519_keypair(seed, again);
    assert_memory_equal(public_key, again, 32);
    assert_int_equal(chmod(path, 0644), 0);
    bad(recovery_load(path, seed, &err), ERR_REFUSED, "others may read it");
    bad(recovery_load(node_path(&node, "nowhere"), seed, &err), ERR_NOTFOUND, "nowhere");
    path = node_path(&node, "rubbish");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("tongzhou-recovery name AAAA\n", file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    bad(recovery_load(path, seed, &err), ERR_SYNTAX, "no recovery key");
    bad(recovery_create(node_path(&node, "no/such/folder"), SPAN_LIT("x"), public_key, &err), ERR_IO, "no/such");
}

static char told[PASSWORD_MAX + 1];
static unsigned asked;

static int ask(char out[PASSWORD_MAX + 1], struct err *err)
{
    asked++;
    if (!told[0])
        return err_set(err, ERR_USAGE, "nobody to ask");
    snprintf(out, PASSWORD_MAX + 1, "%s", told);
    return 0;
}

/* Another process has not got the key in memory: so does a copy of the folder with another vault's bytes. */
static void under_a_passphrase(void **state)
{
    (void)state;
    struct keys keys, back;
    char path[256], command[2000];
    uint8_t seed[BASE64_LEN(32) + 1];
    keys_make(&keys);
    strcpy(keys.origin, origin);
    keys_save(node.dir, &keys, &(struct err){0});
    base64_encode(keys.log_seed, 32, (char *)seed);
    snprintf(command, sizeof command, "grep -rqF '%s' %s/keys", (const char *)seed, node.dir);
    assert_int_equal(system(command), 0);
    vault_set_ask(ask);
    assert_false(vault_is_here(node.dir));
    bad(vault_create(node.dir, SPAN_LIT("short"), &err), ERR_LIMIT, "bytes");
    good(vault_create(node.dir, SPAN_LIT("a boat for all"), &err));
    bad(vault_create(node.dir, SPAN_LIT("a boat for all"), &err), ERR_EXISTS, "already");
    good(keys_load(node.dir, span_str(origin), &back, &err)); /* cut off here: plain text is still read */
    good(keys_rewrite(node.dir, span_str(origin), true, &err));
    assert_int_not_equal(system(command), 0);
    good(keys_load(node.dir, span_str(origin), &back, &err));
    assert_memory_equal(&keys, &back, sizeof keys);
    assert_int_equal(asked, 0); /* this process made it */
    keys.has_next = true;
    good(keys_save(node.dir, &keys, &err)); /* as a rotation does */
    key_path(path);
    snprintf(command, sizeof command, "grep -q '^tongzhou-locked/1 [A-Za-z0-9+/=]*$' %s && test `stat -c %%a %s` = 600",
             path, path);
    assert_int_equal(system(command), 0);

    good(vault_change(node.dir, SPAN_LIT("another boat for all"), &err));
    good(keys_load(node.dir, span_str(origin), &back, &err));
    assert_memory_equal(&keys, &back, sizeof keys);

    /* A copy, whose vault this process does not know. */
    char copy[300];
    snprintf(copy, sizeof copy, "%s/copy", node.dir);
    snprintf(command, sizeof command, "mkdir -m 700 %s && cp -p -r %s/keys %s/", copy, node.dir, copy);
    assert_int_equal(system(command), 0);
    good(vault_change(copy, SPAN_LIT("a third boat for all"), &err));
    for (int i = 0; i < 8; i++) /* what it knew is pushed out */
        good(vault_change(node.dir, SPAN_LIT("another boat for all"), &err));
    told[0] = '\0';
    bad(keys_load(copy, span_str(origin), &back, &err), ERR_USAGE, "nobody to ask");
    strcpy(told, "another boat for all");
    bad(keys_load(copy, span_str(origin), &back, &err), ERR_VERIFY, "not the passphrase");
    strcpy(told, "a third boat for all");
    asked = 0;
    good(keys_load(copy, span_str(origin), &back, &err));
    assert_memory_equal(&keys, &back, sizeof keys);
    good(keys_load(copy, span_str(origin), &back, &err));
    assert_int_equal(asked, 1); /* once a process */
    snprintf(command, sizeof command, "rm %s/keys/vault", copy);
    assert_int_equal(system(command), 0);
    bad(keys_load(copy, span_str(origin), &back, &err), ERR_STATE, "vault is not there");

    good(keys_rewrite(node.dir, span_str(origin), false, &err));
    char stray[300];
    snprintf(stray, sizeof stray, "%s/keys/stray.key", node.dir);
    FILE *file = fopen(stray, "w");
    assert_non_null(file);
    fputs("tongzhou-locked/1 AAAA\n", file);
    fclose(file);
    bad(vault_remove(node.dir, &err), ERR_STATE, "stray.key is locked still");
    assert_true(vault_is_here(node.dir));
    assert_int_equal(unlink(stray), 0);
    good(vault_remove(node.dir, &err));
    good(keys_load(node.dir, span_str(origin), &back, &err));
    assert_memory_equal(&keys, &back, sizeof keys);
    keys.has_next = false;
}

static void a_bent_vault(void **state)
{
    (void)state;
    static const char *const vaults[] = {"",
                                         "tongzhou-vault/1",
                                         "tongzhou-vault/2 3 67108864 AAAAAAAAAAAAAAAAAAAAAA== x",
                                         "tongzhou-vault/1 0 67108864 AAAAAAAAAAAAAAAAAAAAAA== AAAA",
                                         "tongzhou-vault/1 3 99999999999 AAAAAAAAAAAAAAAAAAAAAA== AAAA",
                                         "tongzhou-vault/1 3 1 AAAAAAAAAAAAAAAAAAAAAA== AAAA",
                                         "tongzhou-vault/1 3 67108864 AAAAAAAAAAAAAAAAAAAAAA== AAAA"};
    char path[300];
    snprintf(path, sizeof path, "%s/keys/vault", node.dir);
    for (size_t i = 0; i < sizeof vaults / sizeof *vaults; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fchmod(fileno(file), 0600), 0);
        fputs(vaults[i], file);
        fclose(file);
        bad(vault_open(node.dir, &err), ERR_SYNTAX, "vault");
    }
    assert_int_equal(chmod(path, 0644), 0);
    bad(vault_open(node.dir, &err), ERR_REFUSED, "others may read it");
    assert_int_equal(unlink(path), 0);
    good(vault_open(node.dir, &err));
}

/* More than a small machine has, or is through with before whoever starts it gives up. */
static void a_vault_that_asks_too_much(void **state)
{
    (void)state;
#define KEPT                                                                                                           \
    " AAAAAAAAAAAAAAAAAAAAAA== "                                                                                       \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    good(vault_form(SPAN_LIT("tongzhou-vault/1 3 67108864" KEPT), &err));
    good(vault_form(SPAN_LIT("tongzhou-vault/1 8 268435456" KEPT "\n"), &err));
    good(vault_form(SPAN_LIT("tongzhou-vault/1 64 33554432" KEPT), &err));
    bad(vault_form(SPAN_LIT("tongzhou-vault/1 64 1073741824" KEPT), &err), ERR_LIMIT,
        "over 1073741824 bytes, 8388608..268435456 are allowed");
    bad(vault_form(SPAN_LIT("tongzhou-vault/1 9 268435456" KEPT), &err), ERR_LIMIT,
        "9 passes of Argon2id over 268435456 bytes, 2147483648 bytes in all are allowed");
    bad(vault_form(SPAN_LIT("tongzhou-vault/1 65 8388608" KEPT), &err), ERR_LIMIT, "65 passes of Argon2id, 1..64");
    bad(vault_form(SPAN_LIT("tongzhou-vault/1 0 8388608" KEPT), &err), ERR_LIMIT, "0 passes of Argon2id, 1..64");
    bad(vault_form(SPAN_LIT("tongzhou-vault/1 18446744073709551615 18446744073709551615" KEPT), &err), ERR_LIMIT,
        "1..64");
    bad(vault_form(SPAN_LIT("tongzhou-vault/1 3 67108864" KEPT " AA"), &err), ERR_SYNTAX, "form of a vault");
#undef KEPT
}

/* Of a pipe that nobody writes to the other end would be waited for as long as the process lives. */
static void no_pipe(void **state)
{
    (void)state;
    char path[300];
    uint8_t bytes[16];
    size_t len;
    snprintf(path, sizeof path, "%s/pipe", node.dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(60); /* it hung */
    bad(secret_read(path, bytes, sizeof bytes, &len, &err), ERR_REFUSED, "no regular file");
    alarm(0);
    assert_int_equal(unlink(path), 0);
}

/* ---- killed midway ---- */

static int steps_left;

static int kill_at(void *ctx, const char *operation)
{
    (void)ctx, (void)operation;
    if (steps_left-- == 0)
        _exit(7);
    return 0;
}

/* In a process that ends at the n-th change to the disk. True: it came to the end. */
static bool rewrite_until(int steps, bool locks)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err err = {0};
        steps_left = steps;
        disk_set_hook(kill_at, NULL);
        _exit(keys_rewrite(node.dir, span_str(origin), locks, &err) ? 9 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 7));
    return WEXITSTATUS(status) == 0;
}

/* What the file of this descriptor holds, whatever name it has by now, is zeros. */
static void is_wiped(int fd, int step)
{
    char bytes[4096];
    ssize_t len = pread(fd, bytes, sizeof bytes, 0);
    assert_true(len > 0);
    for (ssize_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            fail_msg("killed at step %d: %zd bytes can still be read", step, len);
}

/* Whoever runs the command again finds what was left, and nothing that was secret can be read from what has no name. */
static void killed_while_rewriting(bool locks)
{
    struct keys keys;
    char path[256], beside[300];
    key_path(path);
    snprintf(beside, sizeof beside, "%s.new", path);
    keys_make(&keys);
    strcpy(keys.origin, origin);
    bool is_over = false;
    int step = 0, left = 0;
    for (; !is_over; step++) {
        good(keys_save(node.dir, &keys, &err));
        good(keys_rewrite(node.dir, span_str(origin), !locks, &err));
        int old = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(old >= 0);
        is_over = rewrite_until(step, locks);
        int half = open(beside, O_RDONLY | O_CLOEXEC);
        good(keys_rewrite(node.dir, span_str(origin), locks, &err));
        is_wiped(old, step);
        struct stat st;
        if (half >= 0 && fstat(half, &st) == 0 && st.st_size > 0) {
            is_wiped(half, step);
            left++;
        }
        close(old);
        if (half >= 0)
            close(half);
        assert_int_not_equal(access(beside, F_OK), 0);
        snprintf(beside, sizeof beside, "%s.old", path);
        assert_int_not_equal(access(beside, F_OK), 0);
        snprintf(beside, sizeof beside, "%s.new", path);
    }
    assert_true(step > 5 && left > 0);
}

static void a_change_killed_midway(void **state)
{
    (void)state;
    char path[300];
    good(vault_create(node.dir, SPAN_LIT("a boat for all"), &err));
    killed_while_rewriting(true);
    killed_while_rewriting(false);
    /* The old vault opens with the old passphrase. */
    snprintf(path, sizeof path, "%s/keys/vault", node.dir);
    int old = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(old >= 0);
    good(vault_change(node.dir, SPAN_LIT("another boat for all"), &err));
    is_wiped(old, 0);
    close(old);
    good(vault_remove(node.dir, &err));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(save_and_load),
        cmocka_unit_test(under_a_passphrase),
        cmocka_unit_test(a_bent_vault),
        cmocka_unit_test(out_of_form),
        cmocka_unit_test(public_halves),
        cmocka_unit_test(recovery),
        cmocka_unit_test(no_pipe),
        cmocka_unit_test(a_change_killed_midway),
        cmocka_unit_test(a_vault_that_asks_too_much),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
