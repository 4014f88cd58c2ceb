#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "rng.h"

static void append(struct ledger *ledger, struct store *store, int64_t number, size_t count)
{
    struct author_item *items = calloc(count, sizeof(*items));
    struct buf *texts = calloc(count, sizeof(*texts));
    uint64_t first;
    if (!items || !texts)
        broken(ledger, "no memory");
    for (size_t i = 0; i < count; i++) {
        buf_init(&texts[i], PAYLOAD_MAX);
        record_text(ledger, &texts[i], rng_one_in(&ledger->rng, 200) ? PAYLOAD_TAIL_MAX + 500 : 60);
        items[i] = (struct author_item){buf_view(&texts[i]), true};
    }
    must(ledger, author_append(store, number, items, count, TIME_MS, &first, &err));
    for (size_t i = 0; i < count; i++)
        buf_done(&texts[i]);
    free(items);
    free(texts);
}

static void take_note(struct ledger *ledger, struct store *store, const struct log_info *info, struct source *out,
                      size_t stage)
{
    struct buf note;
    buf_init(&note, NOTE_MAX);
    must(ledger, store_checkpoint(store, info->number, &note, &err));
    if (note.len > sizeof(out->notes[0]))
        broken(ledger, "a checkpoint of %zu bytes", note.len);
    memcpy(out->notes[stage], note.data, note.len);
    out->notes_len[stage] = note.len;
    out->stages[stage] = info->size;
    buf_done(&note);
}

static void take_entries(struct ledger *ledger, struct store *store, const struct log_info *info, struct source *out)
{
    struct buf entries;
    buf_init(&entries, sizeof(out->entries));
    must(ledger, store_read_entries(store, info->number, 0, (size_t)info->size, &entries, &err));
    memcpy(out->entries, entries.data, entries.len);
    struct bundle_reader reader = {buf_view(&entries), 0};
    struct span entry;
    struct err err;
    for (size_t i = 0; bundle_next(&reader, &entry, &err) == 1; i++)
        out->ends[i + 1] = reader.pos;
    buf_done(&entries);
}

static void take_items(struct ledger *ledger, struct store *store, const struct log_info *info, struct source *out)
{
    struct buf items;
    size_t covered = 0;
    buf_init(&items, sizeof(out->items));
    must(ledger, payload_read_bundle(store, info->number, 0, (size_t)info->size, true, &items, &covered, &err));
    if (covered != info->size)
        broken(ledger, "the source's payloads are too long");
    memcpy(out->items, items.data, items.len);
    out->items_len = items.len;
    buf_done(&items);
}

void source_make(const char *folder, struct source *out)
{
    /* What the mirror gets: odd sizes, full bundles, a key that changes, things taken back. */
    static const size_t counts[SOURCE_STAGES] = {1, 4, 200, 51, 0, 290, 5, 0, 3, 700};
    struct ledger ledger = {.rng = 1};
    char dir[256], recovery[256];
    snprintf(dir, sizeof(dir), "%s/source", folder);
    snprintf(recovery, sizeof(recovery), "%s/source.recovery", folder);
    struct author_new make = {.time_ms = TIME_MS, .role = LOG_OWN, .is_operator = true, .recovery_path = recovery};
    snprintf(make.profile.name, sizeof(make.profile.name), "peer.example.org");
    make.profile.class = CLASS_CIVIL;
    struct store_options options = {.create = true};
    struct store *store;
    struct log_info info;
    must(&ledger, store_open(dir, &options, &store, &err));
    author_allow(store);
    must(&ledger, author_create(store, &make, &info, &err));
    for (size_t i = 0; i < SOURCE_STAGES; i++) {
        if (i == 4)
            must(&ledger, author_rotate(store, info.number, NULL, NULL, TIME_MS, &err));
        if (counts[i] > 0)
            append(&ledger, store, info.number, counts[i]);
        if (i == 6)
            must(&ledger, author_erase(store, info.number, 3, TIME_MS, &err));
        if (i == 7)
            must(&ledger, author_erase(store, info.number, 260, TIME_MS, &err));
        must(&ledger, store_log(store, info.number, &info, &err));
        if (i == 5) /* before anything is taken back */
            take_items(&ledger, store, &info, out);
        take_note(&ledger, store, &info, out, i);
    }
    take_entries(&ledger, store, &info, out);
    out->size = info.size;
    memcpy(out->origin, info.origin, sizeof(out->origin));
    store_close(store);
}
