/* New versions of indicators that we made: gone from their feed, or back in it. */
#include "base/when.h"
#include "security/import_impl.h"

static int set_time(json_t *object, const char *key, int64_t when_ms)
{
    char when[WHEN_TEXT_LEN + 1];
    when_format(when_ms > WHEN_MAX_MS ? WHEN_MAX_MS : when_ms, when);
    return json_object_set_new(object, key, json_string(when));
}

static int64_t get_time(const json_t *object, const char *key)
{
    int64_t when_ms = 0;
    const char *text = json_string_value(json_object_get(object, key));
    return text && when_parse_loose(span_str(text), &when_ms) && when_ms >= 0 ? when_ms : 0;
}

/* The labels without ours, or with it. */
static int set_labels(json_t *object, bool vanished)
{
    json_t *labels = json_array(), *old = json_object_get(object, "labels"), *label;
    size_t i;
    int rc = labels ? 0 : -1;
    json_array_foreach(old, i, label)
    {
        const char *text = json_string_value(label);
        if (rc == 0 && text && strcmp(text, VANISHED_LABEL) != 0)
            rc = json_array_append(labels, label);
    }
    if (rc == 0 && vanished)
        rc = json_array_append_new(labels, json_string(VANISHED_LABEL));
    if (rc == 0 && json_array_size(labels) == 0) {
        json_object_del(object, "labels");
        json_decref(labels);
        return 0;
    }
    return rc == 0 ? json_object_set_new(object, "labels", labels) : (json_decref(labels), -1);
}

int run_revise(struct import_run *run, struct span bytes, bool vanished, struct err *err)
{
    int64_t now_ms = run->options->now_ms;
    json_t *object = json_small_load(bytes, err);
    if (!object)
        return err->code;
    /* Versions are ordered by `modified`, and valid_until must be later than valid_from (STIX 2.1 section 4.7). */
    int64_t modified_ms = get_time(object, "modified") >= now_ms ? get_time(object, "modified") + 1 : now_ms;
    int64_t until_ms = get_time(object, "valid_from") >= now_ms ? get_time(object, "valid_from") + 1 : now_ms;
    int rc = set_time(object, "modified", modified_ms);
    if (rc == 0)
        rc = set_labels(object, vanished);
    if (rc == 0 && vanished)
        rc = set_time(object, "valid_until", until_ms);
    if (!vanished) {
        json_object_del(object, "valid_until");
        json_object_del(object, "revoked");
    }
    buf_clear(&run->revised);
    rc = rc < 0 ? err_memory(err) : json_small_dump(object, &run->revised, err);
    json_decref(object);
    return rc;
}

/* ---- vanished ---- */

static int vanish_one(void *ctx, uint64_t key, uint64_t *value, struct err *err)
{
    struct import_run *run = ctx;
    int64_t ref = (int64_t)*value;
    struct span object;
    enum tlp tlp;
    struct err why;
    bool held;
    if (ref <= 0) /* in this fetch, or marked at an earlier one */
        return 0;
    int rc = run_go_on(run, 0, err);
    if (rc == 0)
        rc = run_held_elsewhere(run, (int64_t)key, &held, err);
    if (rc < 0 || held)
        return rc < 0 ? rc : run_note(run, (int64_t)key, 0, err);
    rc = run_read_back(run, ref, &object, &tlp, &why);
    if (rc == 0)
        rc = run_revise(run, object, true, &why);
    if (rc == ERR_IO || rc == ERR_MEMORY) {
        *err = why;
        return rc;
    }
    if (rc < 0) /* erased since: nothing is left to be marked */
        return 0;
    rc = run_add(run, buf_view(&run->revised), tlp, (int64_t)key, true, err);
    run->result->vanished += rc == 0;
    return rc;
}

int run_vanish(struct import_run *run, struct err *err)
{
    return import_map_each(&run->feed, vanish_one, run, err);
}
