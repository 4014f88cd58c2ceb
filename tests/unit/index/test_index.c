/* Following the store: entries, late payloads, erasures, frozen logs; a file that can go at any time. */
#include "index/index.h"

#include "index/dump.h"
#include "index/made_log.h"
#include "index/words.h"

#include <fcntl.h>

#define COUNT_TEXT "SELECT count(*) FROM test_text"

static void follows_two_logs(void **state)
{
    (void)state;
    struct node node;
    struct log_info a, b;
    uint64_t behind;
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    node_member(&node, "b.example", false, &b);
    append_many(node.store, a.number, "a", 700, 40, true);
    append_many(node.store, b.number, "b", 3, 40, true);
    struct index *index = index_of(&node);
    good(index_behind(index, node.store, &behind, &err));
    assert_int_equal(behind, 701 + 4);
    assert_int_equal(update(index, node.store), 701 + 4);
    assert_int_equal(sql_number(index, COUNT_TEXT), 703);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM record WHERE is_inline"), 2);
    good(index_behind(index, node.store, &behind, &err));
    assert_int_equal(behind, 0);
    assert_int_equal(update(index, node.store), 0);

    append_many(node.store, a.number, "a", 300, 40, true);
    assert_int_equal(update(index, node.store), 300);
    assert_int_equal(sql_number(index, COUNT_TEXT), 1003);

    /* It goes on where it stopped, in another process's handle, too. */
    struct index *again = index_of(&node);
    assert_int_equal(update(again, node.store), 0);
    append_many(node.store, b.number, "b", 1, 40, true);
    assert_int_equal(update(again, node.store), 1);
    assert_int_equal(update(index, node.store), 0);
    assert_int_equal(sql_number(index, COUNT_TEXT), 1004);
    index_close(again);
    index_close(index);
    node_stop(&node);
}

static void stops_after_so_many(void **state)
{
    (void)state;
    struct node node;
    struct log_info a;
    uint64_t folded, total = 0;
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    append_many(node.store, a.number, "a", 999, 40, true);
    struct index *index = index_of(&node);
    for (int i = 0; i < 4; i++) {
        good(index_update(index, node.store, 300, &folded, &err));
        assert_true(folded <= 300);
        total += folded;
    }
    assert_int_equal(total, 1000);
    assert_int_equal(sql_number(index, COUNT_TEXT), 999);
    index_close(index);
    node_stop(&node);
}

static void keeps_what_it_cannot_fold(void **state)
{
    (void)state;
    struct node node;
    struct made_log log;
    node_start(&node);
    made_begin(&log, "a.example");
    made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, "good");
    made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, "bad: refused by its capability");
    made_record(&log, "new/kind", TLP_GREEN, TIME_MS, "text/plain", "nobody knows it here");
    made_sealed(&log, SPAN_LIT("no record at all\xff"), true);
    made_raw(&log, SPAN_LIT("tongzhou/1 test/text\ntlp clear\n\ncontent does not stand in the log"));
    made_raw(&log, SPAN_LIT("\x01\x02"));
    made_sealed(&log, SPAN_LIT("tongzhou/1 connect/erase\n\n1\n"), true);
    made_sealed(&log, SPAN_LIT("tongzhou/1 test/text\ntlp clear\n!new-rule 1\n\ngood, but held"), true);
    made_feed(&log, node.store, log.count, true);
    struct index *index = index_of(&node);
    assert_int_equal(update(index, node.store), log.count);
    assert_int_equal(sql_number(index, COUNT_TEXT), 1);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM record"), log.count);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM record WHERE folded"), 1);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM erased"), 0);
    assert_int_equal(sql_number(index, "SELECT tlp FROM record JOIN word ON number = kind WHERE text = 'new/kind'"),
                     TLP_GREEN);
    index_close(index);
    made_end(&log);
    node_stop(&node);
}

static void folds_payloads_that_come_late(void **state)
{
    (void)state;
    struct node node;
    struct made_log log;
    node_start(&node);
    made_begin(&log, "a.example");
    for (int i = 1; i <= 1500; i++) {
        char body[32];
        snprintf(body, sizeof(body), "text %d", i);
        made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, body);
    }
    int64_t number = made_feed(&log, node.store, 700, false);
    made_feed(&log, node.store, log.count, false);
    struct index *index = index_of(&node);
    assert_int_equal(update(index, node.store), 1501);
    assert_int_equal(sql_number(index, COUNT_TEXT), 0);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM missing"), 1);
    static const uint64_t first[] = {1500, 1, 700, 701, 256, 2};
    for (size_t i = 0; i < 6; i++) {
        made_payload(&log, node.store, number, first[i]);
        if (i % 2)
            assert_int_equal(update(index, node.store), 2);
    }
    assert_int_equal(sql_number(index, COUNT_TEXT), 6);
    /* 3..255, 257..699, 702..1499 */
    assert_int_equal(sql_number(index, "SELECT count(*) FROM missing"), 3);
    assert_int_equal(sql_number(index, "SELECT sum(last - first + 1) FROM missing"), 1494);
    for (uint64_t i = 3; i < 1500; i++)
        if (i != 256 && i != 700 && i != 701)
            made_payload(&log, node.store, number, i);
    assert_int_equal(update(index, node.store), 1494);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM missing"), 0);
    struct index *whole;
    struct node other;
    node_start(&other);
    made_feed(&log, other.store, log.count, true);
    whole = index_of(&other);
    update(whole, other.store);
    dump_equal(index, node.store, whole, other.store);
    index_close(whole);
    index_close(index);
    node_stop(&other);
    made_end(&log);
    node_stop(&node);
}

/* A mirror of what is recent: for each payload that comes late another one goes, so that their number stays. */
static void folds_as_many_as_are_dropped(void **state)
{
    (void)state;
    struct node node;
    struct made_log log;
    node_start(&node);
    made_begin(&log, "a.example");
    for (int i = 1; i <= 20; i++) {
        char body[32];
        snprintf(body, sizeof(body), "text %d", i);
        made_record(&log, "test/text", TLP_AMBER, TIME_MS, NULL, body);
    }
    int64_t number = made_feed(&log, node.store, 11, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    for (uint64_t at = 11; at <= 20; at++) {
        made_feed(&log, node.store, at + 1, false);
        update(index, node.store);
        good(payload_drop_before(node.store, number, at - 9, &err));
        made_payload(&log, node.store, number, at);
        uint64_t behind = 0;
        good(index_behind(index, node.store, &behind, &err));
        assert_true(behind > 0);
        update(index, node.store);
        assert_int_equal(sql_number(index, COUNT_TEXT), 10);
        good(index_behind(index, node.store, &behind, &err));
        assert_int_equal(behind, 0);
    }
    assert_int_equal(sql_number(index, "SELECT sum(last - first + 1) FROM missing"), 10);
    index_close(index);
    made_end(&log);
    node_stop(&node);
}

static void drop_before(struct store *store, int64_t number, uint64_t index)
{
    good(payload_drop_before(store, number, index, &err));
}

/* Contents that a mirror keeps no longer leave the tables, and come back with them; nothing has to be wiped for that. */
static void lets_go_of_what_is_dropped(void **state)
{
    (void)state;
    struct node node, other;
    struct made_log log;
    bool due = true;
    node_start(&node);
    node_start(&other);
    made_begin(&log, "a.example");
    for (int i = 1; i <= 1000; i++) {
        char body[32];
        snprintf(body, sizeof(body), "text %d", i);
        made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, body);
    }
    int64_t number = made_feed(&log, node.store, log.count, true);
    struct index *index = index_of(&node);
    assert_int_equal(update(index, node.store), 1001);
    drop_before(node.store, number, 700);
    update(index, node.store);
    assert_int_equal(sql_number(index, COUNT_TEXT), 301);
    assert_int_equal(sql_number(index, "SELECT sum(last - first + 1) FROM missing"), 699);
    good(index_scrub_due(index, &due, &err));
    assert_false(due);
    assert_int_equal(update(index, node.store), 0);

    /* As if it had been folded today. */
    int64_t there = made_feed(&log, other.store, log.count, true);
    drop_before(other.store, there, 700);
    struct index *whole = index_of(&other);
    update(whole, other.store);
    dump_equal(index, node.store, whole, other.store);
    index_close(whole);

    /* More goes, some comes back, and an author withdraws meanwhile. */
    made_payload(&log, node.store, number, 5);
    drop_before(node.store, number, 5);
    made_erase(&log, 900);
    made_feed(&log, node.store, log.count, true);
    size_t erased = 0;
    good(mirror_erase_queued(node.store, &erased, &err));
    assert_int_equal(erased, 1);
    update(index, node.store);
    assert_int_equal(sql_number(index, COUNT_TEXT), 301);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM test_text WHERE body = 'text 5'"), 1);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM test_text WHERE body = 'text 900'"), 0);
    drop_before(node.store, number, log.count);
    update(index, node.store);
    assert_int_equal(sql_number(index, COUNT_TEXT),
                     1); /* the store looks for what to drop behind what it dropped before */
    assert_int_equal(sql_number(index, "SELECT count(*) FROM test_text WHERE body = 'text 5'"), 1);
    index_close(index);
    made_end(&log);
    node_stop(&node);
    node_stop(&other);
}

static void forgets_what_its_author_withdraws(void **state)
{
    (void)state;
    struct node node;
    struct log_info a;
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    append_many(node.store, a.number, "kept", 300, 40, true);
    uint64_t secret = append_many(node.store, a.number, "secretive-text", 1, 40, true);
    append_many(node.store, a.number, "kept", 300, 40, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    assert_int_equal(sql_number(index, COUNT_TEXT), 601);
    good(author_erase(node.store, a.number, secret, TIME_MS, &err));
    assert_int_equal(update(index, node.store), 1);
    assert_int_equal(sql_number(index, COUNT_TEXT), 600);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM test_text WHERE body LIKE '%secretive%'"), 0);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM erased"), 1);
    unsigned before = words_scrubs;
    good(index_scrub(index, &err));
    assert_int_equal(words_scrubs, before + 1);
    assert_int_equal(update(index, node.store), 0);
    index_close(index);
    store_close(node.store);
    assert_int_equal(files_with(&node, "secretive-text", 14), 0);
    node.store = node_handle(&node);
    node_stop(&node);
}

/* Erasures among entries that arrive with what they erase, and payloads that arrive after they were erased. */
static void erasures_in_any_order(void **state)
{
    (void)state;
    struct node node, late;
    struct made_log log;
    node_start(&node);
    node_start(&late);
    made_begin(&log, "a.example");
    made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, "one");
    made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, "two");
    made_erase(&log, 1);
    made_erase(&log, 0);    /* inline entries cannot be withdrawn */
    made_erase(&log, 5);    /* nor the entry itself */
    made_erase(&log, 9999); /* nor what is to come */
    made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, "three");
    made_erase(&log, 1);
    made_feed(&log, node.store, log.count, true);
    struct index *index = index_of(&node), *other = index_of(&late);
    update(index, node.store);
    assert_int_equal(sql_number(index, COUNT_TEXT), 2);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM erased"), 1);
    assert_int_equal(sql_number(index, "SELECT by_index FROM erased"), 3);

    int64_t number = made_feed(&log, late.store, log.count, false);
    update(other, late.store);
    for (uint64_t i = 0; i < log.count; i++)
        if (log.entries[i].payload_len > 0)
            made_payload(&log, late.store, number, i);
    update(other, late.store);
    assert_int_equal(update(other, late.store), 0);
    dump_equal(index, node.store, other, late.store);
    index_close(index);
    index_close(other);
    made_end(&log);
    node_stop(&node);
    node_stop(&late);
}

static void forgets_what_this_node_erases(void **state)
{
    (void)state;
    struct node node;
    struct made_log log;
    node_start(&node);
    made_begin(&log, "a.example");
    made_record(&log, "test/text", TLP_CLEAR, TIME_MS, "text/unusual-type", "unlawful words");
    made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, "lawful words");
    int64_t number = made_feed(&log, node.store, log.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    good(payload_erase(node.store, number, 1, &err));
    good(index_forget(index, RECORD_REF(number, 1), &err));
    good(index_forget(index, RECORD_REF(number, 1), &err));
    assert_int_equal(sql_number(index, COUNT_TEXT), 1);
    assert_int_equal(update(index, node.store), 0);
    good(index_scrub(index, &err));
    assert_int_equal(sql_number(index, "SELECT count(*) FROM word WHERE text LIKE '%unusual%'"), 0);
    index_close(index);
    store_close(node.store);
    assert_int_equal(files_with(&node, "unlawful words", 14), 0);
    assert_int_equal(files_with(&node, "unusual-type", 12), 0);
    node.store = node_handle(&node);
    made_end(&log);
    node_stop(&node);
}

static void drops_what_is_frozen(void **state)
{
    (void)state;
    struct node node;
    struct made_log log;
    struct log_info info;
    node_start(&node);
    made_begin(&log, "a.example");
    for (int i = 1; i < 600; i++)
        made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, i == 100 ? "withdrawn later" : "text");
    made_erase(&log, 100); /* at 600 */
    for (int i = 601; i < 900; i++)
        made_record(&log, "test/text", TLP_CLEAR, TIME_MS, NULL, "text");
    int64_t number = made_feed(&log, node.store, log.count, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    assert_int_equal(sql_number(index, COUNT_TEXT), 599 - 1 + 299);

    static const struct {
        uint64_t from;
        int64_t rows;
    } steps[] = {{800, 599 - 1 + 199}, {601, 598}, {600, 599}, {50, 49}, {0, 0}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        good(store_begin(node.store, &err));
        good(store_log(node.store, number, &info, &err));
        info.standing = STANDING_FROZEN;
        info.frozen_from = steps[i].from;
        good(store_log_update(node.store, &info, &err));
        good(store_commit(node.store, &err));
        update(index, node.store);
        assert_int_equal(sql_number(index, COUNT_TEXT), steps[i].rows);
        assert_int_equal(sql_number(index, "SELECT max(ref) & 1099511627775 FROM record"),
                         steps[i].from > 0 ? (int64_t)steps[i].from - 1 : 0);
        assert_int_equal(update(index, node.store), 0);
        struct index *fresh;
        char *left = dump_index(index, node.store);
        good(index_rebuild(index, node.store, &err));
        fresh = index_of(&node);
        char *right = dump_index(fresh, node.store);
        assert_string_equal(left, right);
        free(left);
        free(right);
        index_close(fresh);
    }
    index_close(index);
    made_end(&log);
    node_stop(&node);
}

/* ---- the file ---- */

static void write_file(const char *path, const void *data, size_t len, off_t at)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, data, len, at), (ssize_t)len);
    close(fd);
}

static void makes_a_damaged_file_again(void **state)
{
    (void)state;
    struct node node;
    struct log_info a;
    char path[160];
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    append_many(node.store, a.number, "a", 100, 40, true);
    snprintf(path, sizeof(path), "%s/index.db", node.dir);
    struct index *index = index_of(&node);
    update(index, node.store);
    char *before = dump_index(index, node.store);
    index_close(index);

    char garbage[16384];
    memset(garbage, 'x', sizeof(garbage));
    static const off_t places[] = {0, 30, 90};
    for (size_t i = 0; i < 3; i++) {
        write_file(path, garbage, sizeof(garbage), places[i]);
        index = index_of(&node);
        good(index_rebuild(index, node.store, &err));
        char *after = dump_index(index, node.store);
        assert_string_equal(before, after);
        free(after);
        index_close(index);
    }
    assert_int_equal(unlink(path), 0);
    index = index_of(&node);
    assert_int_equal(update(index, node.store), 101);
    index_close(index);
    free(before);
    node_stop(&node);
}

static void empties_another_version(void **state)
{
    (void)state;
    struct node node;
    struct log_info a;
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    append_many(node.store, a.number, "a", 100, 40, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    assert_int_equal(sqlite3_exec(index_db(index),
                                  "CREATE VIRTUAL TABLE old_text USING fts5(words); CREATE TABLE old(x); "
                                  "INSERT INTO old_text VALUES('left over'); PRAGMA user_version=1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    index_close(index);
    index = index_of(&node);
    assert_int_equal(sql_number(index, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'old%'"), 0);
    assert_int_equal(sql_number(index, COUNT_TEXT), 0);
    assert_int_equal(update(index, node.store), 101);
    assert_int_equal(sql_number(index, COUNT_TEXT), 100);
    index_close(index);
    node_stop(&node);
}

/* Another process deletes the file and makes it again: this one notices. */
static void notices_a_new_file(void **state)
{
    (void)state;
    struct node node;
    struct log_info a;
    char path[160];
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    struct index *index = index_of(&node);
    update(index, node.store);
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/index.db%s", node.dir, suffixes[i]);
        unlink(path);
    }
    struct index *other = index_of(&node);
    append_many(node.store, a.number, "a", 5, 40, true);
    update(other, node.store);
    index_close(other);
    good(index_refresh(index, &err));
    assert_int_equal(sql_number(index, COUNT_TEXT), 5);
    assert_int_equal(update(index, node.store), 0);
    index_close(index);
    node_stop(&node);
}

/* After a restore, numbers may stand for other logs: nothing of before is kept. */
static void forgets_another_generation(void **state)
{
    (void)state;
    struct node node;
    struct log_info a;
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    append_many(node.store, a.number, "a", 5, 40, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    assert_int_equal(sqlite3_exec(index_db(index),
                                  "UPDATE meta SET value = value + 1 WHERE name = 'generation';"
                                  "INSERT INTO test_text(ref, body) VALUES(4398046511105, 'of log 4 then')",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sql_number(index, COUNT_TEXT), 6);
    assert_int_equal(update(index, node.store), 6);
    assert_int_equal(sql_number(index, COUNT_TEXT), 5);
    assert_int_equal(update(index, node.store), 0);
    index_close(index);
    node_stop(&node);
}

static void two_processes_fold_at_once(void **state)
{
    (void)state;
    struct node node;
    struct log_info logs[8];
    node_start(&node);
    for (int i = 0; i < 8; i++) {
        char name[32];
        snprintf(name, sizeof(name), "m%d.example", i);
        node_member(&node, name, i == 0, &logs[i]);
        append_many(node.store, logs[i].number, name, 400, 40, true);
    }
    index_close(index_of(&node));
    pid_t child = fork();
    assert_true(child >= 0);
    struct store *store = node_handle(&node);
    struct index *index = index_of(&node);
    struct err err;
    uint64_t folded;
    int rc = index_update(index, store, 0, &folded, &err);
    if (child == 0)
        _exit(rc < 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(rc, 0);
    assert_int_equal(sql_number(index, COUNT_TEXT), 3200);
    assert_int_equal(update(index, store), 0);
    index_close(index);
    store_close(store);
    node_stop(&node);
}

/* The serving node scrubs while a command does: SQLite does not wait for another's checkpoint, so the scrub has to. */
static void two_processes_scrub_at_once(void **state)
{
    (void)state;
    struct node node;
    struct log_info a;
    struct err why = {0};
    node_start(&node);
    node_member(&node, "a.example", true, &a);
    append_many(node.store, a.number, "text", 200, 40, true);
    struct index *index = index_of(&node);
    update(index, node.store);
    index_close(index);
    store_close(node.store);
    pid_t child = fork(); /* no SQLite handle may cross it */
    assert_true(child >= 0);
    int rc = index_open(node.dir, &index, &why);
    for (int i = 0; i < 100 && !rc; i++)
        rc = index_scrub(index, &why);
    if (child == 0)
        _exit(rc < 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (rc)
        print_error("%s\n", why.text);
    assert_int_equal(rc, 0);
    assert_int_equal(status, 0);
    index_close(index);
    node.store = node_handle(&node);
    node_stop(&node);
}

static void counters_count(void **state)
{
    (void)state;
    struct node node;
    int64_t value, next;
    node_start(&node);
    struct index *index = index_of(&node);
    good(index_counter(index, "things", 0, &value, &err));
    assert_int_equal(value, 0);
    good(index_counter(index, "things", 1, &value, &err));
    assert_true(value >= 0);
    good(index_counter(index, "things", 5, &next, &err));
    assert_int_equal(next, value + 5);
    good(index_counter(index, "things", 0, &value, &err));
    assert_int_equal(next, value);
    good(index_rebuild(index, node.store, &err));
    good(index_counter(index, "things", 1, &next, &err));
    assert_int_not_equal(next, value + 1);
    assert_int_equal(index_hash(1, SPAN_LIT("a")), index_hash(1, SPAN_LIT("a")));
    assert_int_not_equal(index_hash(1, SPAN_LIT("a")), index_hash(2, SPAN_LIT("a")));
    index_close(index);
    node_stop(&node);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_two_logs),
        cmocka_unit_test(stops_after_so_many),
        cmocka_unit_test(keeps_what_it_cannot_fold),
        cmocka_unit_test(folds_payloads_that_come_late),
        cmocka_unit_test(folds_as_many_as_are_dropped),
        cmocka_unit_test(lets_go_of_what_is_dropped),
        cmocka_unit_test(forgets_what_its_author_withdraws),
        cmocka_unit_test(erasures_in_any_order),
        cmocka_unit_test(forgets_what_this_node_erases),
        cmocka_unit_test(drops_what_is_frozen),
        cmocka_unit_test(makes_a_damaged_file_again),
        cmocka_unit_test(empties_another_version),
        cmocka_unit_test(notices_a_new_file),
        cmocka_unit_test(forgets_another_generation),
        cmocka_unit_test(two_processes_fold_at_once),
        cmocka_unit_test(two_processes_scrub_at_once),
        cmocka_unit_test(counters_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
