#include "node/policing.h"

#include <stdio.h>
#include <sys/stat.h>

#include "connect/entering.h"

#define PATH_BYTES 4096

static bool is_same(struct policing *p, const char *dir)
{
    char path[PATH_BYTES];
    struct stat st;
    struct policing now = {.looked = true, .size = -1};
    if ((size_t)snprintf(path, sizeof(path), "%s/policy.conf", dir) < sizeof(path) && stat(path, &st) == 0)
        now = (struct policing){true, st.st_size, (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec,
                                (int64_t)st.st_ino};
    bool same = p->looked && p->size == now.size && p->changed_ns == now.changed_ns && p->inode == now.inode;
    *p = now;
    return same;
}

static int follow(struct store *store, int64_t now_ms, struct policing_news *ret, struct err *err)
{
    struct entering_report report;
    struct rules_version version;
    const struct policy *policy;
    int rc = entering_follow_policy(store, now_ms, &report, err);
    if (rc == 0)
        rc = rules_policy(store, &policy, &version, err);
    if (rc < 0 || !ret->changed)
        return rc;
    snprintf(ret->text, sizeof(ret->text),
             "policy: version %s is in force, %zu rule%s; %llu released, %llu refused, %llu asked for again",
             version.version, policy_rule_count(policy), policy_rule_count(policy) == 1 ? "" : "s",
             (unsigned long long)report.released, (unsigned long long)report.refused,
             (unsigned long long)report.asked_again);
    return 0;
}

int policing_look(struct policing *policing, struct store *store, bool told, int64_t now_ms, struct policing_news *ret,
                  struct err *err)
{
    struct err wrong = {0};
    *ret = (struct policing_news){0};
    if (is_same(policing, store_dir(store)) && !told)
        return 0;
    int rc = rules_adopt(store, now_ms, NULL, &ret->changed, &wrong);
    if (rc == ERR_MEMORY || rc == ERR_STATE) {
        policing->looked = false; /* again the next time */
        *err = wrong;
        return rc;
    }
    if (rc < 0)
        snprintf(ret->text, sizeof(ret->text), "%.900s; the policy in force stays", wrong.text);
    return follow(store, now_ms, ret, err);
}
