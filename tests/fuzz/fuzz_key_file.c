/* fuzz: state */
/*
 * Files of secrets as they stand on a disk: DIR/keys/HEX.key and a recovery key. First byte: their mode. What others may
 * read is refused, and what is loaded is what the file says.
 */
#include <stdlib.h>

#include "base/codec.h"
#include "fuzz_folder.h"
#include "state/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX 4096 /* bytes; a longer file is refused */

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* The origin that the file names, so that it stands where it is looked for; else some origin. */
static struct span origin_of(struct span text)
{
    struct span first = span_sub(text, 0, span_find(text, '\n'));
    struct span origin = span_starts(first, SPAN_LIT("origin ")) ? span_sub(first, 7, SIZE_MAX) : first;
    return origin_valid(origin) ? origin : SPAN_LIT("a.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

static void try_keys(struct span text, mode_t mode)
{
    struct keys keys, parsed;
    struct err err = {0}, none;
    struct span origin = origin_of(text);
    uint8_t hash[32];
    char hex[65], name[100], path[PATH_MAX];
    origin_hash(origin, hash);
    hex_encode(hash, sizeof(hash), hex);
    snprintf(name, sizeof(name), "keys/%s.key", hex);
    fuzz_folder_path(name, path);
    fuzz_folder_write(path, text, mode);
    bool is_right = (mode & 077) == 0 && text.len <= FILE_MAX && keys_parse(text, &parsed, &none) == 0 &&
                    span_is(origin, parsed.origin);
    int rc = keys_load(fuzz_folder, origin, &keys, &err);
    check((rc == 0) == is_right && (rc == 0 || err.text[0]));
    check((mode & 077) == 0 || rc == ERR_REFUSED);
    if (rc == 0) {
        struct buf again;
        buf_init(&again, FILE_MAX);
        keys_format(&keys, &again);
        check(span_eq(buf_view(&again), text));
        buf_done(&again);
        struct err save_err;
        check(keys_save(fuzz_folder, &keys, &save_err) == 0 && keys_load(fuzz_folder, origin, &parsed, &none) == 0 &&
              strcmp(keys.origin, parsed.origin) == 0 && memcmp(keys.log_seed, parsed.log_seed, 32) == 0);
        check(keys_remove(fuzz_folder, origin, &none) == 0);
    }
    check(keys_load(fuzz_folder, origin, &keys, &none) != 0 || rc != 0);
    unlink(path);
}

static void try_recovery(struct span text, mode_t mode)
{
    uint8_t seed[32], again[32];
    char path[PATH_MAX], encoded[45];
    struct err err = {0};
    fuzz_folder_path("recovery", path);
    fuzz_folder_write(path, text, mode);
    int rc = recovery_load(path, seed, &err);
    check(rc == 0 || err.text[0]);
    check((mode & 077) == 0 || rc == ERR_REFUSED);
    if (rc == 0) {
        struct span trimmed = span_trim(text);
        base64_encode(seed, sizeof(seed), encoded);
        check(span_is(span_sub(trimmed, trimmed.len - 44, 44), encoded));
        fuzz_folder_write(path, trimmed, 0600);
        check(recovery_load(path, again, &err) == 0 && memcmp(seed, again, sizeof(seed)) == 0);
    }
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const mode_t modes[] = {0600, 0400, 0640, 0604};
    char keys[PATH_MAX];
    if (size < 1)
        return 0;
    if (!fuzz_folder[0]) {
        fuzz_folder_make();
        fuzz_folder_path("keys", keys);
        check(mkdir(keys, 0700) == 0);
    }
    struct span text = span_of(data + 1, size - 1);
    mode_t mode = modes[data[0] / 2 % 4];
    if (data[0] % 2)
        try_recovery(text, mode);
    else
        try_keys(text, mode);
    return 0;
}
