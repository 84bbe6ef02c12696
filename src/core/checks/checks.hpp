// The checks: small functions from the site to findings.
//
// To add one: its id in ../finding_ids.def, its function in the file here that its subject suggests (or a new one),
// declared below and called from kChecks in checks.cpp, its test in t/unit.
#pragma once

#include "../finding.hpp"
#include "../server.hpp"

namespace hpkp {

/// All checks. Findings about the same thing at several servers are one.
void run_checks(const Site& site, Findings& findings);

/// The gravest last, where a terminal shows them; the same order at every load.
void in_order(Findings& findings);

// source_files.cpp
void check_file_writable(const Site& site, Findings& findings);

// pin_count.cpp
void check_pin_count(const Site& site, Findings& findings);

// max_age.cpp
void check_max_age_long(const Site& site, Findings& findings);

// server_chain.cpp
void check_server_is_tls(const Site& site, Findings& findings);
void check_chain_is_known(const Site& site, Findings& findings);

// chain_match.cpp
void check_chain_has_pin(const Site& site, Findings& findings);
void check_sent_has_pin(const Site& site, Findings& findings);
void check_leaf_has_pin(const Site& site, Findings& findings);

// chain_quality.cpp
void check_off_path_pin(const Site& site, Findings& findings);
void check_root_only_pin(const Site& site, Findings& findings);
void check_leaf_expires_first(const Site& site, Findings& findings);

// trust.cpp
void check_chain_is_trusted(const Site& site, Findings& findings);
void check_system_bundle(const Site& site, Findings& findings);
void check_private_pki(const Site& site, Findings& findings);
void check_chain_expired(const Site& site, Findings& findings);
void check_anchor_expired(const Site& site, Findings& findings);
void check_path_in_doubt(const Site& site, Findings& findings);
/// After the checks that ask for paths: it looks at those that were found.
void check_path_limit(const Site& site, Findings& findings);

// backup.cpp
void check_no_backup_pin(const Site& site, Findings& findings);
void check_single_backup(const Site& site, Findings& findings);
void check_backup_key_online(const Site& site, Findings& findings);

// names.cpp
void check_name_covered(const Site& site, Findings& findings);
void check_host_can_be_pinned(const Site& site, Findings& findings);

// lockout.cpp
void check_locks_out(const Site& site, Findings& findings);

// history.cpp
void check_ramp_has_ledger(const Site& site, Findings& findings);
void check_clock(const Site& site, Findings& findings);
void check_never_report_only(const Site& site, Findings& findings);
void check_not_rehearsed(const Site& site, Findings& findings);
void check_max_age_jump(const Site& site, Findings& findings);

// scope.cpp
void check_scope(const Site& site, Findings& findings);
void check_report_uri_self(const Site& site, Findings& findings);

}  // namespace hpkp
