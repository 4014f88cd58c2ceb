/* fuzz: state */
/*
 * Files under a passphrase as they stand on a disk. First byte: 0 DIR/keys/vault; 1 a locked key file that somebody else wrote;
 * 2 a key file's text, locked here and bent. What asks for too much work is refused before any is done; what does not open
 * with this vault's key does not open.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz_folder.h"
#include "state/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PLAIN_MAX 4096

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void make_folder(const char *name, char out[PATH_MAX])
{
    char keys[PATH_MAX];
    fuzz_folder_path(name, out);
    check(mkdir(out, 0700) == 0 && snprintf(keys, sizeof(keys), "%s/keys", out) < PATH_MAX && mkdir(keys, 0700) == 0);
}

/* Nobody is there to be asked, so a vault that could be opened by a passphrase is told from one that could not. */
static void try_vault(const char *dir, struct span text)
{
    char path[PATH_MAX];
    struct err err = {0}, none = {0};
    unsigned long long passes = 0, memory = 0;
    char *copy = strndup((const char *)text.data, text.len);
    check(copy && snprintf(path, sizeof(path), "%s/keys/vault", dir) < PATH_MAX);
    fuzz_folder_write(path, text, 0600);
    int form = vault_form(text, &err), rc = vault_open(dir, &none);
    check(form == 0 || err.text[0]);
    if (text.len > 0 && text.len <= 512)
        check(form == 0 ? rc == ERR_USAGE : rc == form);
    else
        check(rc == ERR_SYNTAX);
    if (form == 0) {
        check(sscanf(copy, "tongzhou-vault/1 %llu %llu ", &passes, &memory) == 2);
        check(passes >= 1 && memory >= 1 && memory <= (256u << 20) && passes * memory <= (UINT64_C(2) << 30));
    }
    free(copy);
    unlink(path);
}

static void try_locked(const char *dir, struct span text)
{
    static uint8_t out[PLAIN_MAX];
    struct err err = {0};
    size_t len = 0;
    int rc = vault_unlock(dir, text, out, sizeof(out), &len, &err);
    check(rc == 0 || err.text[0]);
    if (vault_is_locked(text))
        check(rc != 0); /* nobody else has the key */
    else
        check(rc == 0 ? len == text.len && memcmp(out, text.data, len) == 0 : text.len > sizeof(out));
}

static void try_text(const char *dir, struct span text, uint8_t where)
{
    static uint8_t out[PLAIN_MAX];
    struct err err = {0};
    struct buf locked;
    size_t len = 0;
    buf_init(&locked, 4 * PLAIN_MAX);
    int rc = vault_lock(dir, text, &locked, &err);
    check((rc == 0) == (text.len <= PLAIN_MAX));
    if (rc == 0) {
        check(vault_is_locked(buf_view(&locked)));
        check(vault_unlock(dir, buf_view(&locked), out, sizeof(out), &len, &err) == 0);
        check(len == text.len && memcmp(out, text.data, len) == 0);
        size_t first = strlen("tongzhou-locked/1 "), at = first + where % (locked.len - first - 5);
        locked.data[at] = locked.data[at] == 'A' ? 'B' : 'A'; /* in front of the last, whose bits may say nothing */
        check(vault_unlock(dir, buf_view(&locked), out, sizeof(out), &len, &err) != 0);
    }
    buf_done(&locked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char ours[PATH_MAX], theirs[PATH_MAX];
    struct err err = {0};
    if (size < 2)
        return 0;
    if (!fuzz_folder[0]) {
        fuzz_folder_make();
        make_folder("ours", ours);
        make_folder("theirs", theirs);
        check(vault_create(ours, SPAN_LIT("a boat for all"), &err) == 0); /* the one time that Argon2id runs */
    }
    struct span text = span_of(data + 1, size - 1);
    if (data[0] % 3 == 0)
        try_vault(theirs, text);
    else if (data[0] % 3 == 1)
        try_locked(ours, text);
    else
        try_text(ours, span_sub(text, 1, text.len), text.data[0]);
    return 0;
}
