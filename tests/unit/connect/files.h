/* Archives as lists of files, to be changed and written again; and a plain file server over a folder. */
#ifndef TONGZHOU_TESTS_CONNECT_FILES_H
#define TONGZHOU_TESTS_CONNECT_FILES_H

#include "net.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <sys/stat.h>

#define FILES_MAX 256

struct file {
    char name[256];
    uint8_t *data;
    size_t len;
    bool is_link; /* a symbolic link to /etc/passwd */
};

struct files {
    struct file file[FILES_MAX];
    size_t count;
};

static inline void files_free(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->file[i].data);
    files->count = 0;
}

static inline void files_insert(struct files *files, size_t at, const char *name, const void *data, size_t len)
{
    char kept[256]; /* it may be one of the list's */
    snprintf(kept, sizeof(kept), "%s", name);
    uint8_t *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, data, len);
    assert_true(files->count < FILES_MAX && at <= files->count);
    memmove(&files->file[at + 1], &files->file[at], (files->count - at) * sizeof(files->file[0]));
    struct file *file = &files->file[at];
    *file = (struct file){.data = copy, .len = len};
    memcpy(file->name, kept, sizeof(kept));
    files->count++;
}

static inline void files_remove(struct files *files, size_t at)
{
    free(files->file[at].data);
    files->count--;
    memmove(&files->file[at], &files->file[at + 1], (files->count - at) * sizeof(files->file[0]));
}

/* The first file whose name ends so. */
static inline size_t files_find(const struct files *files, const char *end)
{
    for (size_t i = 0; i < files->count; i++) {
        size_t len = strlen(files->file[i].name);
        if (len >= strlen(end) && strcmp(files->file[i].name + len - strlen(end), end) == 0)
            return i;
    }
    fail_msg("no file %s", end);
    return 0;
}

static inline void files_load(const char *path, struct files *out)
{
    static uint8_t bytes[64u << 20];
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    *out = (struct files){0};
    archive_read_support_filter_zstd(archive);
    archive_read_support_format_tar(archive);
    assert_int_equal(archive_read_open_filename(archive, path, 65536), ARCHIVE_OK);
    while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        la_ssize_t len = archive_read_data(archive, bytes, sizeof(bytes));
        assert_true(len >= 0);
        files_insert(out, out->count, archive_entry_pathname(entry), bytes, (size_t)len);
    }
    archive_read_free(archive);
}

static inline void files_save(const char *path, const struct files *files)
{
    struct archive *archive = archive_write_new();
    archive_write_add_filter_zstd(archive);
    archive_write_set_format_pax_restricted(archive);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    for (size_t i = 0; i < files->count; i++) {
        const struct file *file = &files->file[i];
        struct archive_entry *entry = archive_entry_new();
        archive_entry_set_pathname(entry, file->name);
        archive_entry_set_filetype(entry, file->is_link ? AE_IFLNK : AE_IFREG);
        if (file->is_link)
            archive_entry_set_symlink(entry, "/etc/passwd");
        archive_entry_set_size(entry, file->is_link ? 0 : (la_int64_t)file->len);
        archive_entry_set_perm(entry, 0600);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        if (!file->is_link && file->len > 0)
            assert_int_equal(archive_write_data(archive, file->data, file->len), (la_ssize_t)file->len);
        archive_entry_free(entry);
    }
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
}

/* ROOT/NAME of a node's folder for scratch files; four at a time. */
static inline const char *scratch(const struct node *node, const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", node->root, name);
    return path;
}

static inline bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* ---- a file server ---- */

struct file_server {
    struct MHD_Daemon *daemon;
    char dir[256], url[64];
};

static inline enum MHD_Result serve_file(void *ctx, struct MHD_Connection *connection, const char *url,
                                         const char *method, const char *version, const char *data, size_t *len,
                                         void **state)
{
    const struct file_server *server = ctx;
    char path[1024];
    struct stat st;
    (void)method, (void)version, (void)data, (void)len, (void)state;
    snprintf(path, sizeof(path), "%s%s", server->dir, url);
    int fd = open(path, O_RDONLY);
    bool is_file = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    struct MHD_Response *response = is_file ? MHD_create_response_from_fd((size_t)st.st_size, fd)
                                            : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!is_file && fd >= 0)
        close(fd);
    enum MHD_Result result = MHD_queue_response(connection, is_file ? 200 : 404, response);
    MHD_destroy_response(response);
    return result;
}

static inline void file_server_start(struct file_server *server, const char *dir)
{
    snprintf(server->dir, sizeof(server->dir), "%s", dir);
    server->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, serve_file, server, MHD_OPTION_END);
    assert_non_null(server->daemon);
    snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u",
             (unsigned)MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
}

static inline void file_server_stop(struct file_server *server)
{
    MHD_stop_daemon(server->daemon);
}

#endif
