#ifndef TONGZHOU_CLI_COMMANDS_H
#define TONGZHOU_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command cmd_init, cmd_serve, cmd_status, cmd_inbox, cmd_peer_add, cmd_peer_list, cmd_peer_remove,
    cmd_follow, cmd_sync, cmd_members, cmd_log, cmd_show, cmd_verify, cmd_publish, cmd_preview, cmd_parcel, cmd_erase,
    cmd_import, cmd_feed_add, cmd_feed_list, cmd_feed_remove, cmd_sweep, cmd_export, cmd_member_add, cmd_member_list,
    cmd_member_export, cmd_member_move, cmd_rotate, cmd_pack, cmd_unpack, cmd_backup, cmd_restore, cmd_export_static,
    cmd_community_found, cmd_community_list, cmd_community_show, cmd_community_charter, cmd_community_join,
    cmd_community_sponsor, cmd_community_leave, cmd_community_propose, cmd_community_endorse, cmd_community_refound,
    cmd_community_group, cmd_community_groups, cmd_community_grant, cmd_community_verify, cmd_policy_check,
    cmd_policy_show, cmd_policy_held, cmd_policy_refused, cmd_policy_release, cmd_policy_refuse, cmd_policy_apply,
    cmd_policy_try, cmd_policy_notice, cmd_policy_counter, cmd_policy_notices, cmd_policy_rates, cmd_why, cmd_user_add,
    cmd_user_list, cmd_user_remove, cmd_user_role, cmd_user_password, cmd_user_totp, cmd_user_lock, cmd_user_unlock,
    cmd_user_bind, cmd_user_unbind, cmd_keys_encrypt, cmd_keys_decrypt, cmd_keys_passphrase, cmd_token_add,
    cmd_token_list, cmd_token_remove, cmd_audit, cmd_rebuild, cmd_version;

extern const struct command cmd_list_drafts, cmd_list_show, cmd_list_adopt, cmd_list_decline, cmd_list_adopted,
    cmd_list_print, cmd_list_import, cmd_list_publish, cmd_list_retract;

extern const struct command cmd_receipts, cmd_receipts_on, cmd_receipts_off, cmd_receipts_send;
extern const struct command cmd_tell_add, cmd_tell_list, cmd_tell_remove, cmd_tell_test, cmd_tell_mail;

extern const struct command cmd_cession_give, cmd_cession_list, cmd_cession_revoke;
extern const struct command cmd_vulnerability_list, cmd_vulnerability_show, cmd_vulnerability_extend,
    cmd_vulnerability_open, cmd_vulnerability_limit;

#endif
