#include "connect/pack_internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

#define PACK_KEYS_MAX 4096 /* bytes of a key file: wiped where they stood */

/* pack.json comes first and names a format that we know. */
static int take_manifest(struct span path, struct span bytes, struct err *err)
{
    if (!span_is(path, "pack.json"))
        return err_set(err, ERR_SYNTAX, "is no pack: it does not begin with pack.json");
    return pack_manifest_parse(bytes, err);
}

static int take_file(struct unpacking *u, struct span path, struct span bytes, struct err *err)
{
    struct pack_name name;
    int rc = pack_name_parse(path, &name, err);
    return rc ? rc : unpack_file(u, &name, bytes, err);
}

static int read_file(struct buf *bytes, struct archive *archive, struct archive_entry *entry, struct err *err)
{
    if (archive_entry_filetype(entry) != AE_IFREG)
        return err_set(err, ERR_SYNTAX, "holds something that is no plain file");
    buf_clear(bytes);
    for (;;) {
        uint8_t *room = buf_room(bytes, 65536);
        if (!room)
            return buf_check(bytes, "a file of the pack", err);
        la_ssize_t got = archive_read_data(archive, room, 65536);
        if (got < 0)
            return err_set(err, ERR_SYNTAX, "cut short or damaged: %s", archive_error_string(archive));
        buf_cut(bytes, bytes->len - 65536 + (size_t)got);
        if (got == 0)
            return 0;
    }
}

static int read_all(struct unpacking *u, struct archive *archive, uint64_t size, struct buf *bytes, struct err *err)
{
    struct archive_entry *entry;
    bool first = true;
    for (;;) {
        int rc = archive_read_next_header(archive, &entry);
        if (rc == ARCHIVE_EOF)
            break;
        if (rc != ARCHIVE_OK)
            return err_set(err, ERR_SYNTAX, "cut short or damaged: %s", archive_error_string(archive));
        const char *name = archive_entry_pathname(entry);
        struct span path = name ? span_str(name) : (struct span){0};
        rc = read_file(bytes, archive, entry, err);
        if (!rc)
            rc = first ? take_manifest(path, buf_view(bytes), err) : take_file(u, path, buf_view(bytes), err);
        if (rc)
            return rc;
        u->result->bytes += bytes->len;
        first = false;
        if (u->options->progress)
            u->options->progress(u->options->ctx, (uint64_t)archive_filter_bytes(archive, -1), size);
    }
    if (first)
        return err_set(err, ERR_SYNTAX, "is empty");
    return unpack_end(u, err);
}

static int run(struct unpacking *u, const char *path, struct err *err)
{
    struct archive *archive = archive_read_new();
    struct buf bytes;
    if (!archive)
        return err_memory(err);
    buf_init(&bytes, PACK_FILE_MAX);
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_tar(archive);
    struct stat st = {0};
    int rc = stat(path, &st) == 0 ? 0 : err_sys(err, "open");
    if (!rc && archive_read_open_filename(archive, path, 1 << 18) != ARCHIVE_OK)
        rc = err_set(err, ERR_SYNTAX, "%s", archive_error_string(archive));
    if (!rc)
        rc = read_all(u, archive, (uint64_t)st.st_size, &bytes, err);
    archive_read_free(archive);
    if (bytes.data)
        explicit_bzero(bytes.data,
                       bytes.cap < PACK_KEYS_MAX ? bytes.cap : PACK_KEYS_MAX); /* keys may have stood there */
    buf_done(&bytes);
    return rc;
}

int pack_read(struct store *store, const char *path, const struct unpack_options *options, struct pack_result *ret,
              struct err *err)
{
    struct unpacking u = {.store = store, .options = options, .result = ret};
    struct err later = {0};
    size_t erased = 0;
    *ret = (struct pack_result){0};
    buf_init(&u.note, NOTE_MAX);
    int rc = run(&u, path, err);
    unpacking_done(&u);
    /* What went in before an error stays, and so does what it asks for. */
    int rc_erase = mirror_erase_queued(store, &erased, &later);
    ret->erased = erased;
    if (rc)
        return err_in(err, "%s", path);
    return rc_erase ? err_set(err, rc_erase, "%s", later.text) : 0;
}
