#include "state/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/random.h"
#include "base/reader.h"
#include "state/disk.h"
#include "state/secret.h"
#include "state/vault.h"

#define KEY_FILE_MAX 4096 /* bytes: nine short lines */
#define SEED_TEXT BASE64_LEN(32)

void keys_make(struct keys *out)
{
    memset(out, 0, sizeof *out);
    random_bytes(out->log_seed, sizeof out->log_seed);
    random_bytes(out->cosigner_seed, sizeof out->cosigner_seed);
    random_bytes(out->request_seed, sizeof out->request_seed);
    random_bytes(out->encryption_seed, sizeof out->encryption_seed);
}

void keys_wipe(struct keys *keys)
{
    sodium_memzero(keys, sizeof *keys);
}

void keys_publish(const struct keys *keys, struct profile *out)
{
    ed25519_keypair(keys->log_seed, out->log_key);
    ed25519_keypair(keys->cosigner_seed, out->cosigner_key);
    ed25519_keypair(keys->request_seed, out->request_key);
    crypto_scalarmult_curve25519_base(out->encryption_key, keys->encryption_seed);
}

void keys_promote_log(struct keys *keys)
{
    memcpy(keys->log_seed, keys->next_seed, 32);
    sodium_memzero(keys->next_seed, 32);
    keys->has_next = false;
}

void keys_promote_others(struct keys *keys)
{
    memcpy(keys->cosigner_seed, keys->cosigner_next, 32);
    memcpy(keys->request_seed, keys->request_next, 32);
    memcpy(keys->encryption_seed, keys->encryption_next, 32);
    sodium_memzero(keys->cosigner_next, 32);
    sodium_memzero(keys->request_next, 32);
    sodium_memzero(keys->encryption_next, 32);
    keys->has_others_next = false;
}

static int key_folder(const char *dir, char out[PATH_MAX], struct err *err)
{
    if (snprintf(out, PATH_MAX, "%s/keys", dir) >= PATH_MAX - 80)
        return err_set(err, ERR_LIMIT, "%s: folder name too long", dir);
    return 0;
}

static void key_name(struct span origin, char out[80])
{
    uint8_t hash[32];
    origin_hash(origin, hash);
    hex_encode(hash, sizeof hash, out);
    memcpy(out + 64, ".key", 5);
}

static void put_seed(struct buf *out, const char *name, const uint8_t seed[32])
{
    char text[SEED_TEXT + 1];
    base64_encode(seed, 32, text);
    buf_fmt(out, "%s %s\n", name, text);
    sodium_memzero(text, sizeof text);
}

void keys_format(const struct keys *keys, struct buf *out)
{
    buf_fmt(out, "origin %s\n", keys->origin);
    put_seed(out, "log", keys->log_seed);
    if (keys->has_next)
        put_seed(out, "log-next", keys->next_seed);
    put_seed(out, "cosigner", keys->cosigner_seed);
    put_seed(out, "request", keys->request_seed);
    put_seed(out, "encryption", keys->encryption_seed);
    if (!keys->has_others_next)
        return;
    put_seed(out, "cosigner-next", keys->cosigner_next);
    put_seed(out, "request-next", keys->request_next);
    put_seed(out, "encryption-next", keys->encryption_next);
}

static int write_keys(const char *dir, const struct keys *keys, bool locks, struct err *err)
{
    char folder[PATH_MAX], name[80];
    int rc = key_folder(dir, folder, err);
    if (!rc)
        rc = disk_mkdir(folder, NULL, err);
    /* Even if it was there: a process that was killed may have made it. */
    if (!rc)
        rc = disk_sync_folder(dir, err);
    if (rc)
        return rc;
    if (chmod(folder, 0700) != 0)
        return err_sys(err, "%s", folder);
    struct buf text;
    buf_init(&text, KEY_FILE_MAX);
    /* All at once, so that no copy is left behind where the buffer grew. */
    buf_room(&text, KEY_FILE_MAX - 1);
    buf_clear(&text);
    keys_format(keys, &text);
    rc = buf_check(&text, "key file", err);
    key_name(span_str(keys->origin), name);
    struct buf locked;
    buf_init(&locked, 2 * KEY_FILE_MAX);
    if (!rc && locks)
        rc = vault_lock(dir, buf_view(&text), &locked, err);
    if (!rc)
        rc = disk_replace_secret(folder, name, locks ? buf_view(&locked) : buf_view(&text), err);
    buf_done(&locked);
    if (text.data)
        sodium_memzero(text.data, text.cap);
    buf_done(&text);
    return rc;
}

int keys_save(const char *dir, const struct keys *keys, struct err *err)
{
    return write_keys(dir, keys, vault_is_here(dir), err);
}

/* The next line, "NAME BASE64", if its name is this one. */
static bool take_seed(struct reader *r, const char *name, uint8_t out[32])
{
    struct reader ahead = *r;
    struct span line = reader_line(&ahead, KEY_FILE_MAX), prefix = span_str(name);
    if (ahead.failed || !span_starts(line, prefix) || line.len != prefix.len + 1 + SEED_TEXT ||
        line.data[prefix.len] != ' ' || !base64_decode(span_sub(line, prefix.len + 1, SEED_TEXT), out, 32))
        return false;
    *r = ahead;
    return true;
}

int keys_parse(struct span text, struct keys *out, struct err *err)
{
    struct reader r;
    memset(out, 0, sizeof *out);
    reader_init(&r, text);
    reader_expect(&r, "origin ");
    struct span origin = reader_line(&r, ORIGIN_MAX + 1);
    const char *missing = NULL;
    if (r.failed || origin.len > ORIGIN_MAX || !origin_valid(origin))
        missing = "origin";
    else
        memcpy(out->origin, origin.data, origin.len);
    if (!missing && !take_seed(&r, "log", out->log_seed))
        missing = "log";
    out->has_next = !missing && take_seed(&r, "log-next", out->next_seed);
    if (!missing && !take_seed(&r, "cosigner", out->cosigner_seed))
        missing = "cosigner";
    if (!missing && !take_seed(&r, "request", out->request_seed))
        missing = "request";
    if (!missing && !take_seed(&r, "encryption", out->encryption_seed))
        missing = "encryption";
    out->has_others_next = !missing && take_seed(&r, "cosigner-next", out->cosigner_next);
    if (out->has_others_next && !take_seed(&r, "request-next", out->request_next))
        missing = "request-next";
    if (!missing && out->has_others_next && !take_seed(&r, "encryption-next", out->encryption_next))
        missing = "encryption-next";
    int rc = missing ? err_set(err, ERR_SYNTAX, "keys: no valid line \"%s\" where one belongs", missing)
                     : reader_finish(&r, "keys", err);
    if (rc)
        keys_wipe(out);
    return rc;
}

int keys_load(const char *dir, struct span origin, struct keys *out, struct err *err)
{
    char folder[PATH_MAX], name[80], path[PATH_MAX];
    uint8_t bytes[2 * KEY_FILE_MAX];
    size_t len = 0;
    int rc = key_folder(dir, folder, err);
    if (rc)
        return rc;
    key_name(origin, name);
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "%s: folder name too long", dir);
    rc = secret_read(path, bytes, sizeof bytes, &len, err);
    if (!rc && (rc = vault_unlock(dir, span_of(bytes, len), bytes, KEY_FILE_MAX, &len, err)) != 0)
        err_in(err, "%s", path);
    if (!rc && (rc = keys_parse(span_of(bytes, len), out, err)) != 0)
        err_in(err, "%s", path);
    if (!rc && !span_is(origin, out->origin))
        rc = err_set(err, ERR_SYNTAX, "%s: these are keys of %s", path, out->origin);
    sodium_memzero(bytes, sizeof bytes);
    if (rc == ERR_NOTFOUND)
        return err_set(err, ERR_NOTFOUND, "no keys of %.*s in %s", SPAN_ARGS(origin), folder);
    if (rc)
        keys_wipe(out);
    return rc;
}

/* What a file held that has no name any more. */
static int wipe_file(int fd, const char *path, struct err *err)
{
    static const uint8_t zeros[2 * KEY_FILE_MAX];
    uint64_t len = 0;
    int rc = disk_length(fd, path, &len, err);
    if (!rc)
        rc = disk_pwrite(fd, span_of(zeros, len < sizeof zeros ? (size_t)len : sizeof zeros), 0, path, err);
    return rc ? rc : disk_sync(fd, path, err);
}

int keys_rewrite(const char *dir, struct span origin, bool locks, struct err *err)
{
    struct keys keys;
    int rc = keys_load(dir, origin, &keys, err);
    if (rc)
        return rc;
    rc = write_keys(dir, &keys, locks, err);
    keys_wipe(&keys);
    return rc;
}

int keys_remove(const char *dir, struct span origin, struct err *err)
{
    char folder[PATH_MAX], name[80], path[PATH_MAX];
    int fd, rc = key_folder(dir, folder, err);
    if (rc)
        return rc;
    key_name(origin, name);
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX)
        return err_set(err, ERR_LIMIT, "%s: folder name too long", dir);
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return err_set(err, ERR_NOTFOUND, "no keys of %.*s in %s", SPAN_ARGS(origin), folder);
    rc = disk_open(path, O_RDWR, &fd, NULL, err);
    if (rc)
        return rc;
    rc = wipe_file(fd, path, err);
    close(fd);
    if (!rc)
        rc = disk_unlink(path, err);
    if (!rc)
        rc = disk_sync_folder(folder, err);
    return rc;
}

/* ---- recovery keys ---- */

#define RECOVERY_WORD "tongzhou-recovery "

int recovery_create(const char *path, struct span name, uint8_t ret_public[32], struct err *err)
{
    uint8_t seed[32];
    char text[sizeof RECOVERY_WORD + ORIGIN_MAX + SEED_TEXT + 3], encoded[SEED_TEXT + 1];
    if (name.len < 1 || name.len > ORIGIN_MAX || strlen(path) >= PATH_MAX)
        return err_set(err, ERR_USAGE, "recovery key: a name of 1..%d bytes and a path are needed", ORIGIN_MAX);
    random_bytes(seed, sizeof seed);
    base64_encode(seed, sizeof seed, encoded);
    int len = snprintf(text, sizeof text, RECOVERY_WORD "%.*s %s\n", SPAN_ARGS(name), encoded);
    int fd, rc = disk_open(path, O_WRONLY | O_CREAT | O_EXCL, &fd, NULL, err);
    if (!rc) {
        rc = disk_pwrite(fd, span_of(text, (size_t)len), 0, path, err);
        if (!rc)
            rc = disk_sync(fd, path, err);
        close(fd);
        if (!rc)
            rc = disk_sync_parent(path, err);
        if (rc)
            unlink(path);
    }
    if (!rc)
        ed25519_keypair(seed, ret_public);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(text, sizeof text);
    sodium_memzero(encoded, sizeof encoded);
    return rc ? err_in(err, "recovery key") : 0;
}

int recovery_load(const char *path, uint8_t ret_seed[32], struct err *err)
{
    uint8_t bytes[KEY_FILE_MAX];
    size_t len = 0;
    int rc = secret_read(path, bytes, sizeof bytes, &len, err);
    if (rc)
        return err_in(err, "recovery key");
    struct span text = span_trim(span_of(bytes, len)), word = SPAN_LIT(RECOVERY_WORD);
    bool good = span_starts(text, word) && text.len > word.len + SEED_TEXT + 1 &&
                text.data[text.len - SEED_TEXT - 1] == ' ' && span_find(text, '\n') == text.len &&
                base64_decode(span_sub(text, text.len - SEED_TEXT, SEED_TEXT), ret_seed, 32);
    sodium_memzero(bytes, sizeof bytes);
    return good
               ? 0
               : err_set(err, ERR_SYNTAX, "%s: no recovery key: one line \"%sNAME KEY\" expected", path, RECOVERY_WORD);
}
