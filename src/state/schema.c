#include "state/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/random.h"
#include "state/clean.h"

#define APPLICATION_ID "1414481230" /* "TONZ" */

/*
 * A ref is number << 40 | index. Secrets (salts and payloads) stand in tail_payload alone, first in their row, so
 * that erase.c knows where to look for what SQLite left behind.
 */
const char schema_text[] =
    "CREATE TABLE node(id INTEGER PRIMARY KEY CHECK(id = 1), generation TEXT NOT NULL, seq INTEGER NOT NULL,"
    " clean INTEGER NOT NULL, reached INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE fact(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE log(number INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, hash BLOB NOT NULL UNIQUE,"
    " role INTEGER NOT NULL, mode INTEGER NOT NULL, recent INTEGER NOT NULL, is_operator INTEGER NOT NULL,"
    " followed INTEGER NOT NULL, standing INTEGER NOT NULL DEFAULT 0, frozen_from INTEGER,"
    " size INTEGER NOT NULL DEFAULT 0, staged INTEGER NOT NULL DEFAULT 0, root BLOB NOT NULL,"
    " head_ms INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, payloads INTEGER NOT NULL DEFAULT 0,"
    " arrived INTEGER NOT NULL DEFAULT 0, payloads_from INTEGER NOT NULL DEFAULT 0, peer INTEGER NOT NULL DEFAULT 0, "
    "seq INTEGER NOT NULL DEFAULT 0,"
    " entries_end INTEGER NOT NULL DEFAULT 0, payload_end INTEGER NOT NULL DEFAULT 0,"
    " touched INTEGER NOT NULL DEFAULT 0, note BLOB);"
    "CREATE INDEX log_seq ON log(seq);"
    "CREATE UNIQUE INDEX log_operator ON log(is_operator) WHERE is_operator = 1;"
    "CREATE TABLE tail(ref INTEGER PRIMARY KEY, slot INTEGER NOT NULL, leaf BLOB NOT NULL, entry BLOB NOT NULL);"
    "CREATE TABLE tail_payload(ref INTEGER PRIMARY KEY, item BLOB NOT NULL);" /* salt ‖ payload */
    "CREATE TABLE tail_spare(ref INTEGER PRIMARY KEY, item BLOB NOT NULL);"
    "CREATE TABLE slot(ref INTEGER PRIMARY KEY, slot INTEGER NOT NULL);"
    "CREATE TABLE reader(word INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, is_group INTEGER NOT NULL,"
    " mark INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX reader_group ON reader(word) WHERE is_group = 1;"
    "CREATE TABLE reach(word INTEGER NOT NULL, log INTEGER NOT NULL, bundle INTEGER NOT NULL, came INTEGER NOT NULL,"
    " PRIMARY KEY(word, log, bundle)) WITHOUT ROWID;"
    "CREATE INDEX reach_log ON reach(log, bundle);"
    "CREATE TABLE erasing(ref INTEGER PRIMARY KEY, at INTEGER NOT NULL, length INTEGER NOT NULL);"
    "CREATE TABLE erase_queue(ref INTEGER PRIMARY KEY);"
    "CREATE TABLE constitution(ref INTEGER PRIMARY KEY, sort INTEGER NOT NULL);"
    "CREATE TABLE cosignature(log INTEGER NOT NULL, name TEXT NOT NULL, key_id INTEGER NOT NULL, time INTEGER NOT NULL,"
    " line BLOB NOT NULL, own INTEGER NOT NULL, PRIMARY KEY(log, name, key_id)) WITHOUT ROWID;"
    "CREATE TABLE fork(log INTEGER NOT NULL, freezes INTEGER NOT NULL, idx INTEGER NOT NULL, record BLOB NOT NULL,"
    " PRIMARY KEY(log, freezes));"
    "CREATE TABLE peer(number INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL UNIQUE, origin TEXT NOT NULL,"
    " cursor TEXT NOT NULL, added_ms INTEGER NOT NULL, tried_ms INTEGER NOT NULL, reached_ms INTEGER NOT NULL,"
    " retry_ms INTEGER NOT NULL, failures INTEGER NOT NULL, set_aside INTEGER NOT NULL, reason TEXT NOT NULL,"
    " quota_logs INTEGER NOT NULL, quota_bytes INTEGER NOT NULL, bytes_in INTEGER NOT NULL,"
    " requests INTEGER NOT NULL);"
    "CREATE TABLE peer_log(log INTEGER NOT NULL, peer INTEGER NOT NULL, size INTEGER NOT NULL,"
    " PRIMARY KEY(log, peer)) WITHOUT ROWID;"
    "CREATE INDEX peer_log_peer ON peer_log(peer);"
    "CREATE TABLE feed(number INTEGER PRIMARY KEY AUTOINCREMENT, url TEXT NOT NULL UNIQUE, format TEXT NOT NULL,"
    " log INTEGER NOT NULL, tlp INTEGER NOT NULL, every_s INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
    " fetched_ms INTEGER NOT NULL, etag TEXT NOT NULL, modified TEXT NOT NULL, failures INTEGER NOT NULL,"
    " reason TEXT NOT NULL, items INTEGER NOT NULL, vanished INTEGER NOT NULL);"
    "CREATE TABLE feed_item(feed INTEGER NOT NULL, hash INTEGER NOT NULL, ref INTEGER NOT NULL,"
    " PRIMARY KEY(feed, hash)) WITHOUT ROWID;"
    "CREATE TABLE policy_version(number INTEGER PRIMARY KEY AUTOINCREMENT, version TEXT NOT NULL, text BLOB NOT NULL,"
    " since_ms INTEGER NOT NULL);"
    "CREATE TABLE policy_count(log INTEGER NOT NULL, hour INTEGER NOT NULL, records INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, PRIMARY KEY(log, hour)) WITHOUT ROWID;"
    "CREATE TABLE verdict(ref INTEGER PRIMARY KEY, act INTEGER NOT NULL, line INTEGER NOT NULL, version INTEGER NOT "
    "NULL,"
    " reason TEXT NOT NULL, time_ms INTEGER NOT NULL, kind TEXT NOT NULL, lang TEXT NOT NULL, tlp INTEGER NOT NULL);"
    "CREATE INDEX verdict_act ON verdict(act, ref);"
    "CREATE TABLE decision(number INTEGER PRIMARY KEY AUTOINCREMENT, ref INTEGER NOT NULL, act INTEGER NOT NULL,"
    " who TEXT NOT NULL, reason TEXT NOT NULL, time_ms INTEGER NOT NULL, published INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX decision_ref ON decision(ref, number);"
    "CREATE TABLE decision_ceded(number INTEGER PRIMARY KEY, cession INTEGER NOT NULL);" /* of a decision */
    "CREATE INDEX decision_ceded_by ON decision_ceded(cession);"
    "CREATE TABLE complaint(number INTEGER PRIMARY KEY AUTOINCREMENT, ref INTEGER NOT NULL, why TEXT NOT NULL,"
    " ground TEXT NOT NULL, who TEXT NOT NULL, contact TEXT NOT NULL, time_ms INTEGER NOT NULL);"
    "CREATE INDEX complaint_ref ON complaint(ref);"
    "CREATE TABLE complaint_answer(source INTEGER PRIMARY KEY, decision INTEGER NOT NULL);"
    "CREATE TABLE list_file(name TEXT PRIMARY KEY, body BLOB NOT NULL, time_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE list_word(number INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, name TEXT NOT NULL,"
    " act INTEGER NOT NULL, advice INTEGER NOT NULL, set_name TEXT NOT NULL, version BLOB NOT NULL,"
    " ref INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,"
    " time_ms INTEGER NOT NULL);"
    "CREATE INDEX list_word_of ON list_word(source, name, number);"
    "CREATE TABLE list_item(source TEXT NOT NULL, name TEXT NOT NULL, type INTEGER NOT NULL, subject TEXT NOT NULL,"
    " label TEXT NOT NULL, reason TEXT NOT NULL, word INTEGER NOT NULL, PRIMARY KEY(source, name, type, subject,"
    " label)) WITHOUT ROWID;"
    "CREATE INDEX list_item_about ON list_item(type, subject);"
    "CREATE INDEX list_item_word ON list_item(word);"
    "CREATE INDEX list_word_set ON list_word(set_name, number);"
    "CREATE TABLE name_check(origin TEXT PRIMARY KEY, method INTEGER NOT NULL, checked_ms INTEGER NOT NULL,"
    " detail TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE user(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, role INTEGER NOT NULL,"
    " hash TEXT NOT NULL, totp BLOB, totp_new BLOB, totp_step INTEGER NOT NULL DEFAULT 0, made_ms INTEGER NOT NULL,"
    " locked INTEGER NOT NULL DEFAULT 0, member TEXT NOT NULL DEFAULT '');" /* '': the operator's */
    "CREATE TABLE identity(issuer TEXT NOT NULL, subject TEXT NOT NULL, user INTEGER NOT NULL,"
    " PRIMARY KEY(issuer, subject)) WITHOUT ROWID;"
    "CREATE INDEX identity_user ON identity(user);"
    "CREATE TABLE session(hash BLOB PRIMARY KEY, user INTEGER NOT NULL, address TEXT NOT NULL,"
    " made_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX session_user ON session(user, made_ms);"
    "CREATE TABLE token(hash BLOB PRIMARY KEY, user INTEGER NOT NULL, name TEXT NOT NULL, scopes INTEGER NOT NULL,"
    " made_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL, UNIQUE(user, name))"
    " WITHOUT ROWID;"
    "CREATE TABLE audit(number INTEGER PRIMARY KEY AUTOINCREMENT, time_ms INTEGER NOT NULL, who TEXT NOT NULL,"
    " address TEXT NOT NULL, what TEXT NOT NULL, result TEXT NOT NULL, failed INTEGER NOT NULL);"
    "CREATE INDEX audit_failed ON audit(failed, number);"
    "CREATE INDEX audit_time ON audit(time_ms);"
    "CREATE INDEX audit_who ON audit(who, what, result, address);"
    "CREATE TABLE notice(number INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, topic INTEGER NOT NULL,"
    " role INTEGER NOT NULL, first_ms INTEGER NOT NULL, time_ms INTEGER NOT NULL, news_ms INTEGER NOT NULL,"
    " count INTEGER NOT NULL, news_count INTEGER NOT NULL, ref INTEGER NOT NULL, origin TEXT NOT NULL,"
    " value TEXT NOT NULL, more TEXT NOT NULL, seen INTEGER NOT NULL);"
    "CREATE INDEX notice_same ON notice(what, origin, number);"
    "CREATE INDEX notice_topic ON notice(topic, seen DESC, number);"
    "CREATE TABLE notice_seen(number INTEGER NOT NULL, reader INTEGER NOT NULL, PRIMARY KEY(number, reader))"
    " WITHOUT ROWID;"
    "CREATE INDEX notice_seen_reader ON notice_seen(reader, number);"
    "CREATE TABLE notice_upto(reader INTEGER PRIMARY KEY, upto INTEGER NOT NULL);"
    "CREATE TABLE teller(number INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, target TEXT NOT NULL,"
    " role INTEGER NOT NULL, topics INTEGER NOT NULL, user TEXT NOT NULL, lang TEXT NOT NULL, full INTEGER NOT NULL,"
    " inside INTEGER NOT NULL, every_s INTEGER NOT NULL, ca BLOB NOT NULL, key BLOB NOT NULL, last INTEGER NOT NULL,"
    " due_ms INTEGER NOT NULL, done_ms INTEGER NOT NULL, failures INTEGER NOT NULL, reason TEXT NOT NULL,"
    " sent INTEGER NOT NULL, missed INTEGER NOT NULL, UNIQUE(kind, target));"
    "CREATE TABLE mail_server(id INTEGER PRIMARY KEY CHECK(id = 1), url TEXT NOT NULL, sender TEXT NOT NULL,"
    " user TEXT NOT NULL, plain INTEGER NOT NULL, inside INTEGER NOT NULL, ca BLOB NOT NULL);"
    "PRAGMA application_id = " APPLICATION_ID ";";

static int schema_make(struct store *store, struct err *err)
{
    char version[64], generation[17];
    uint8_t random[8];
    random_bytes(random, sizeof random);
    hex_encode(random, sizeof random, generation);
    snprintf(version, sizeof version, "PRAGMA user_version = %d", STORE_FORMAT);
    int rc = db_exec(store, schema_text, err);
    if (!rc)
        rc = db_exec(store, version, err);
    if (!rc)
        rc = schema_note(store, err);
    if (!rc)
        rc = db_run(store, err, "INSERT INTO node(id, generation, seq, clean) VALUES(1, ?, 0, 1)", "s", generation);
    return rc;
}

/* Only looks: what is not ours stays as it is. *ret_empty: nothing is there yet. */
static int schema_check(struct store *store, bool create, bool *ret_empty, struct err *err)
{
    int64_t application = 0, version = 0, tables = 0;
    int rc = db_int(store, &application, err, "PRAGMA application_id", "");
    if (!rc)
        rc = db_int(store, &version, err, "PRAGMA user_version", "");
    if (!rc)
        rc = db_int(store, &tables, err, "SELECT count(*) FROM sqlite_schema", "");
    if (rc)
        return rc;
    *ret_empty = false;
    if (version > STORE_FORMAT)
        return err_set(err, ERR_STATE, "%s: written in format %lld by a newer tongzhou; this one knows %d", store->dir,
                       (long long)version, STORE_FORMAT);
    if (version == STORE_FORMAT) {
        char known[32];
        snprintf(known, sizeof known, "%lld", (long long)application);
        return strcmp(known, APPLICATION_ID) == 0
                   ? 0
                   : err_set(err, ERR_STATE, "%s/state.db: belongs to another program", store->dir);
    }
    if (!create || application != 0 || version != 0 || tables != 0)
        return err_set(err, ERR_STATE, "%s/state.db: not a state of tongzhou", store->dir);
    *ret_empty = true;
    return 0;
}

/* Two processes may make the node at the same time: the second finds it made. */
static int schema_create(struct store *store, struct err *err)
{
    bool empty;
    int rc = db_exec(store, "BEGIN IMMEDIATE", err);
    if (!rc)
        rc = schema_check(store, true, &empty, err);
    if (!rc && empty)
        rc = schema_make(store, err);
    return rc ? rc : db_exec(store, "COMMIT", err);
}

/* The file with the mode that SQLite's other files then get too. One that is there is not opened: see residue.c. */
static int schema_file(const char *path, bool create, const char *dir, struct err *err)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return 0;
    if (errno != ENOENT)
        return err_sys(err, "%s", path);
    if (!create)
        return err_set(err, ERR_NOTFOUND, "%s: no node here: run `tongzhou init`", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
        return err_sys(err, "%s", path);
    if (fd >= 0)
        close(fd);
    return 0;
}

int schema_open(struct store *store, bool create, struct err *err)
{
    char path[PATH_MAX];
    file_path(store, "", -1, path);
    int rc = schema_file(path, create, store->dir, err);
    if (rc)
        return rc;
    clean_memory();
    rc = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return db_fail(store, rc, err);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
    bool empty;
    rc = schema_check(store, create, &empty, err);
    if (rc)
        return rc;
    /* journal_size_limit: what the WAL keeps on the disk after a long reader had made it grow. */
    rc = db_exec(store,
                 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                 "PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096; PRAGMA "
                 "trusted_schema = OFF",
                 err);
    if (!rc && empty)
        rc = schema_create(store, err);
    if (!rc && store->read_only)
        rc = db_exec(store, "PRAGMA query_only = ON", err);
    return rc;
}
