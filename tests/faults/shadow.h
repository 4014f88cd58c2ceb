/*
 * A disk that tells what is written from what is synced. It is fed with tapes (tape.h), and says what a power cut leaves:
 * any mixture of old and new that POSIX allows, drawn by a seed.
 *
 * What a cut may do
 * - Contents: each sector (512 or 4,096 bytes) of a file holds what it held at any moment since the last sync of that
 *   file, and may be torn: of the next write to it only the front or only the back arrived. Sectors know nothing of each
 *   other, lengths nothing of contents. Where a length survived whose bytes did not, there are zeros or garbage.
 * - Names: any subset of the creations, renames and removals since the last sync of the folder, in their order. A file
 *   that was synced is gone if its folder was not.
 *
 * - A sync that failed: what it should have written may be lost though everybody still reads it, until it is written again.
 *
 * What it may not do, for SQLite's documentation says that it relies on it (atomiccommit.html, section 2; psow.html) and
 * so do we
 * - Bytes outside of what was written change ("powersafe overwrite"), or synced bytes.
 * - A rename leave both names or none: it happened, or not. It is durable once the folder of the new name is synced.
 * - A sync lie. fdatasync keeps the length too, a shorter one as well as a longer one.
 */
#ifndef TONGZHOU_TESTS_FAULTS_SHADOW_H
#define TONGZHOU_TESTS_FAULTS_SHADOW_H

#include "tape.h"

struct shadow;

/* An empty durable folder `root`, which must exist and be empty. */
struct shadow *shadow_new(const char *root);
/* A durable folder below it, of that name. */
void shadow_folder(struct shadow *shadow, const char *name);
void shadow_free(struct shadow *shadow);

/* Syncs of files and folders whose name contains this text do nothing; NULL: all syncs are honest. */
void shadow_forget(struct shadow *shadow, const char *name);

/* What the process that has ended did; `rng` draws what a sync that failed has lost. */
void shadow_play(struct shadow *shadow, const struct tape *tape, uint64_t *rng);

/* Is the real folder what the tapes said? 0, or -1 with the first difference in `text`. */
int shadow_compare(struct shadow *shadow, char *text, size_t size);

/* Changes that are not synced: so many could be lost. */
size_t shadow_pending(const struct shadow *shadow);

/* The power is cut: draws what is left, and makes the real folder so. */
void shadow_cut(struct shadow *shadow, uint64_t *rng);

#endif
