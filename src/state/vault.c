#include "state/vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/random.h"
#include "state/disk.h"
#include "state/password.h"
#include "state/secret.h"

#define VAULT_WORD "tongzhou-vault/1 "
#define LOCKED_WORD "tongzhou-locked/1 "
#define VAULT_FILE_MAX 512
#define VAULT_NAME "vault"
#define NONCE crypto_secretbox_NONCEBYTES
#define MAC crypto_secretbox_MACBYTES
#define BOXED_KEY (NONCE + MAC + 32)
#define LOCKED_MAX 4096 /* bytes of plain text */

struct vault {
    uint64_t passes, memory_bytes;
    uint8_t salt[crypto_pwhash_SALTBYTES], boxed[BOXED_KEY];
};

/* The keys that this process has, of the folders that it works on: one, but for tests and copies. */
#define OPENED_MAX 8
static struct opened {
    uint8_t salt[crypto_pwhash_SALTBYTES], boxed[BOXED_KEY], key[32];
    bool is_open;
} opened[OPENED_MAX];
static size_t opened_next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static vault_ask asks;

void vault_set_ask(vault_ask ask)
{
    asks = ask;
}

static int vault_path(const char *dir, char out[PATH_MAX], struct err *err)
{
    if (snprintf(out, PATH_MAX, "%s/keys/" VAULT_NAME, dir) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "%s: folder name too long", dir);
    return 0;
}

bool vault_is_here(const char *dir)
{
    char path[PATH_MAX];
    struct err ignored;
    return vault_path(dir, path, &ignored) == 0 && access(path, F_OK) == 0;
}

/* ---- the file ---- */

static struct span next_word(struct span *text)
{
    size_t at = span_find(*text, ' ');
    struct span word = span_sub(*text, 0, at);
    *text = span_sub(*text, at + 1, text->len);
    return word;
}

/*
 * More than this would be a mistake, or somebody's who wants this process to run out of memory or never to start: a machine
 * with 512 MiB has the one, and is through the other, ten times what VAULT_PASSES and VAULT_MEMORY take, in some seconds.
 */
#define PASSES_MAX 64
#define MEMORY_MIN (8u << 20)
#define MEMORY_MAX (256u << 20)
#define WORK_MAX (UINT64_C(2) << 30) /* bytes times passes */

static int check_work(const struct vault *vault, struct err *err)
{
    if (vault->passes < 1 || vault->passes > PASSES_MAX)
        return err_set(err, ERR_LIMIT, "%llu passes of Argon2id, 1..%d are allowed", (unsigned long long)vault->passes,
                       PASSES_MAX);
    if (vault->memory_bytes < MEMORY_MIN || vault->memory_bytes > MEMORY_MAX)
        return err_set(err, ERR_LIMIT, "Argon2id over %llu bytes, %u..%u are allowed",
                       (unsigned long long)vault->memory_bytes, MEMORY_MIN, MEMORY_MAX);
    if (vault->passes * vault->memory_bytes > WORK_MAX)
        return err_set(err, ERR_LIMIT, "%llu passes of Argon2id over %llu bytes, %llu bytes in all are allowed",
                       (unsigned long long)vault->passes, (unsigned long long)vault->memory_bytes,
                       (unsigned long long)WORK_MAX);
    return 0;
}

/* The file's text, in full. */
static int vault_parse(struct span text, struct vault *ret, struct err *err)
{
    struct span word = SPAN_LIT(VAULT_WORD);
    bool good = span_starts(text, word);
    text = span_sub(span_trim(text), word.len, text.len);
    good = good && span_u64(next_word(&text), UINT64_MAX, &ret->passes) &&
           span_u64(next_word(&text), UINT64_MAX, &ret->memory_bytes) &&
           base64_decode(next_word(&text), ret->salt, sizeof ret->salt) &&
           base64_decode(text, ret->boxed, sizeof ret->boxed);
    return good ? check_work(ret, err) : err_set(err, ERR_SYNTAX, "not in the form of a vault");
}

int vault_form(struct span text, struct err *err)
{
    struct vault vault;
    return vault_parse(text, &vault, err);
}

static int vault_read(const char *dir, struct vault *ret, struct err *err)
{
    char path[PATH_MAX];
    uint8_t bytes[VAULT_FILE_MAX];
    size_t len = 0;
    int rc = vault_path(dir, path, err);
    if (!rc)
        rc = secret_read(path, bytes, sizeof bytes, &len, err);
    if (rc)
        return rc;
    rc = vault_parse(span_of(bytes, len), ret, err);
    return rc ? err_in(err, "%s", path) : 0;
}

static int vault_write(const char *dir, const struct vault *vault, struct err *err)
{
    char folder[PATH_MAX], salt[BASE64_LEN(sizeof vault->salt) + 1], boxed[BASE64_LEN(BOXED_KEY) + 1];
    char text[VAULT_FILE_MAX];
    if (snprintf(folder, sizeof folder, "%s/keys", dir) >= (int)sizeof folder)
        return err_set(err, ERR_LIMIT, "%s: folder name too long", dir);
    base64_encode(vault->salt, sizeof vault->salt, salt);
    base64_encode(vault->boxed, sizeof vault->boxed, boxed);
    int len = snprintf(text, sizeof text, VAULT_WORD "%llu %llu %s %s\n", (unsigned long long)vault->passes,
                       (unsigned long long)vault->memory_bytes, salt, boxed);
    return disk_replace_secret(folder, VAULT_NAME, span_of(text, (size_t)len), err);
}

/* ---- the key ---- */

static int derive(const struct vault *vault, struct span passphrase, uint8_t out[32], struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_STATE, "libsodium does not start");
    if (crypto_pwhash(out, 32, (const char *)passphrase.data, passphrase.len, vault->salt, vault->passes,
                      (size_t)vault->memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return err_memory(err);
    return 0;
}

/* With `lock` held. */
static struct opened *find_opened(const struct vault *vault)
{
    for (size_t i = 0; i < OPENED_MAX; i++)
        if (opened[i].is_open && memcmp(opened[i].salt, vault->salt, sizeof vault->salt) == 0 &&
            memcmp(opened[i].boxed, vault->boxed, sizeof vault->boxed) == 0)
            return &opened[i];
    return NULL;
}

static void keep(const struct vault *vault, const uint8_t key[32])
{
    struct opened *place = find_opened(vault);
    if (!place)
        place = &opened[opened_next++ % OPENED_MAX];
    (void)sodium_mlock(opened, sizeof opened); /* off the swap, as far as this user may */
    memcpy(place->salt, vault->salt, sizeof place->salt);
    memcpy(place->boxed, vault->boxed, sizeof place->boxed);
    memcpy(place->key, key, 32);
    place->is_open = true;
}

static int ask_passphrase(const char *dir, char out[PASSWORD_MAX + 1], struct err *err)
{
    char line[SECRET_LINE_MAX + 1];
    int rc = secret_line(NULL, VAULT_CREDENTIAL, line, err);
    if (rc == ERR_NOTFOUND && asks)
        return asks(out, err);
    if (rc == ERR_NOTFOUND)
        return err_set(err, ERR_USAGE, "%s: the keys are locked, and there is nobody to ask for the passphrase", dir);
    if (!rc)
        snprintf(out, PASSWORD_MAX + 1, "%s", line);
    sodium_memzero(line, sizeof line);
    return rc;
}

/* With `lock` held. */
static int open_with(const struct vault *vault, struct span passphrase, uint8_t ret_key[32], struct err *err)
{
    uint8_t by_passphrase[32];
    int rc = derive(vault, passphrase, by_passphrase, err);
    if (!rc &&
        crypto_secretbox_open_easy(ret_key, vault->boxed + NONCE, BOXED_KEY - NONCE, vault->boxed, by_passphrase) != 0)
        rc = err_set(err, ERR_VERIFY, "this is not the passphrase of the keys");
    sodium_memzero(by_passphrase, sizeof by_passphrase);
    if (!rc)
        keep(vault, ret_key);
    return rc;
}

static int vault_key(const char *dir, uint8_t ret[32], struct err *err)
{
    struct vault vault;
    char passphrase[PASSWORD_MAX + 1] = "";
    int rc = vault_read(dir, &vault, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&lock);
    const struct opened *known = find_opened(&vault);
    if (known) {
        memcpy(ret, known->key, 32);
    } else {
        rc = ask_passphrase(dir, passphrase, err);
        if (!rc)
            rc = open_with(&vault, span_str(passphrase), ret, err);
        sodium_memzero(passphrase, sizeof passphrase);
    }
    pthread_mutex_unlock(&lock);
    return rc;
}

int vault_open(const char *dir, struct err *err)
{
    uint8_t key[32];
    int rc = vault_is_here(dir) ? vault_key(dir, key, err) : 0;
    sodium_memzero(key, sizeof key);
    return rc;
}

/* ---- making one ---- */

static int put_key(const char *dir, const uint8_t key[32], struct span passphrase, struct err *err)
{
    struct vault vault = {.passes = VAULT_PASSES, .memory_bytes = VAULT_MEMORY};
    uint8_t by_passphrase[32];
    int rc = password_form(passphrase, err);
    if (rc)
        return rc;
    random_bytes(vault.salt, sizeof vault.salt);
    random_bytes(vault.boxed, NONCE);
    rc = derive(&vault, passphrase, by_passphrase, err);
    if (rc)
        return rc;
    (void)crypto_secretbox_easy(vault.boxed + NONCE, key, 32, vault.boxed, by_passphrase);
    sodium_memzero(by_passphrase, sizeof by_passphrase);
    rc = vault_write(dir, &vault, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&lock);
    keep(&vault, key);
    pthread_mutex_unlock(&lock);
    return 0;
}

int vault_create(const char *dir, struct span passphrase, struct err *err)
{
    uint8_t key[32];
    if (vault_is_here(dir))
        return err_set(err, ERR_EXISTS, "%s: the keys are locked already", dir);
    random_bytes(key, sizeof key);
    int rc = put_key(dir, key, passphrase, err);
    sodium_memzero(key, sizeof key);
    return rc;
}

int vault_change(const char *dir, struct span passphrase, struct err *err)
{
    uint8_t key[32];
    int rc =
        vault_is_here(dir) ? vault_key(dir, key, err) : err_set(err, ERR_STATE, "%s: the keys are not locked", dir);
    if (!rc)
        rc = put_key(dir, key, passphrase, err);
    sodium_memzero(key, sizeof key);
    return rc;
}

/* Does this file begin as a locked one? */
static int file_is_locked(int folder, const char *name, bool *ret, struct err *err)
{
    char begins[sizeof LOCKED_WORD - 1];
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_sys(err, "keys/%s", name);
    ssize_t got = read(fd, begins, sizeof begins);
    int rc = got < 0 && errno != EISDIR ? err_sys(err, "keys/%s", name) : 0;
    close(fd);
    *ret = got == (ssize_t)sizeof begins && memcmp(begins, LOCKED_WORD, sizeof begins) == 0;
    return rc;
}

/* Without the vault nobody could open such a file again. */
static int none_is_locked(const char *path, struct err *err)
{
    DIR *folder = opendir(path);
    if (!folder)
        return err_sys(err, "%s", path);
    int rc = 0;
    for (const struct dirent *entry; !rc && (entry = readdir(folder)) != NULL;) {
        bool is_locked = false;
        if (entry->d_name[0] == '.')
            continue;
        rc = file_is_locked(dirfd(folder), entry->d_name, &is_locked, err);
        if (!rc && is_locked)
            rc = err_set(err, ERR_STATE,
                         "%s/%s is locked still, and is of no log here: move it away, with a copy of vault", path,
                         entry->d_name);
    }
    closedir(folder);
    return rc;
}

int vault_remove(const char *dir, struct err *err)
{
    char path[PATH_MAX], folder[PATH_MAX];
    int rc = vault_path(dir, path, err);
    if (rc)
        return rc;
    snprintf(folder, sizeof folder, "%.*s", (int)(strlen(path) - sizeof VAULT_NAME), path);
    rc = none_is_locked(folder, err);
    if (!rc)
        rc = disk_unlink(path, err);
    return rc ? rc : disk_sync_folder(folder, err);
}

/* ---- key files ---- */

int vault_lock(const char *dir, struct span plain, struct buf *out, struct err *err)
{
    uint8_t key[32], boxed[NONCE + MAC + LOCKED_MAX];
    if (plain.len > LOCKED_MAX)
        return err_set(err, ERR_LIMIT, "key file of %zu bytes, %d allowed", plain.len, LOCKED_MAX);
    int rc = vault_key(dir, key, err);
    if (rc)
        return rc;
    random_bytes(boxed, NONCE);
    (void)crypto_secretbox_easy(boxed + NONCE, plain.data, plain.len, boxed, key);
    sodium_memzero(key, sizeof key);
    buf_str(out, LOCKED_WORD);
    buf_base64(out, boxed, NONCE + MAC + plain.len);
    buf_byte(out, '\n');
    return buf_check(out, "key file", err);
}

bool vault_is_locked(struct span text)
{
    return span_starts(text, SPAN_LIT(LOCKED_WORD));
}

int vault_unlock(const char *dir, struct span text, uint8_t *out, size_t max, size_t *ret_len, struct err *err)
{
    uint8_t key[32], boxed[NONCE + MAC + LOCKED_MAX];
    struct span word = SPAN_LIT(LOCKED_WORD);
    size_t len = 0;
    if (!vault_is_locked(text)) {
        if (text.len > max)
            return err_set(err, ERR_LIMIT, "key file of %zu bytes, %zu allowed", text.len, max);
        memmove(out, text.data, *ret_len = text.len);
        return 0;
    }
    text = span_trim(span_sub(text, word.len, text.len));
    if (!base64_decode_any(text, sizeof boxed, boxed, &len) || len < NONCE + MAC || len - NONCE - MAC > max)
        return err_set(err, ERR_SYNTAX, "not in the form of a locked key file");
    int rc = vault_key(dir, key, err);
    if (rc == ERR_NOTFOUND) /* not to be taken for a key that is not here */
        rc = err_set(err, ERR_STATE, "%s: the keys are locked, and keys/" VAULT_NAME " is not there", dir);
    if (!rc && crypto_secretbox_open_easy(out, boxed + NONCE, len - NONCE, boxed, key) != 0)
        rc = err_set(err, ERR_VERIFY, "locked by another vault, or altered");
    sodium_memzero(key, sizeof key);
    if (!rc)
        *ret_len = len - NONCE - MAC;
    return rc;
}
