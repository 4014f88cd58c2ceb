/* FILE arguments: "-" is standard input; gzip, zstd, xz, bzip2 are unpacked on the way. */
#ifndef TONGZHOU_CLI_INPUT_H
#define TONGZHOU_CLI_INPUT_H

#include "base/buf.h"
#include "base/err.h"

struct input;

/* `plain`: give the bytes as they are; otherwise a compressed file is unpacked. */
int input_open(const char *path, bool plain, struct input **ret, struct err *err);
void input_close(struct input *input);

/* Bytes read, 0 at the end, or a negative errcode. `ctx` is the struct input: fits import_run's and others' read. */
int64_t input_read(void *ctx, uint8_t *out, size_t max, struct err *err);

const char *input_name(const struct input *input);  /* for messages: the path, or "(standard input)" */
uint64_t input_size(const struct input *input);     /* bytes on disk, 0 when unknown */
uint64_t input_position(const struct input *input); /* bytes taken from disk so far */

/* Everything, at most `max` bytes. */
int input_slurp(const char *path, size_t max, struct buf *out, struct err *err);

#endif
