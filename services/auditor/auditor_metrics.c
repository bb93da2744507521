#include "auditor_metrics.h"

void auditor_metrics_init(struct auditor_metrics *metrics)
{
    static const double ages[] = { 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300, 3600 };
    *metrics = (struct auditor_metrics){
        .stored = metrics_counter("nwims_auditor_records_stored_total", NULL, "Records stored."),
        .duplicate =
            metrics_counter("nwims_auditor_records_duplicate_total", NULL, "Records that were stored already."),
        .dead = metrics_counter("nwims_auditor_records_dead_total", NULL, "Messages that went to DEAD."),
        .commits = metrics_counter("nwims_auditor_commits_total", NULL, "Transactions that stored records."),
        .failed_commits = metrics_counter("nwims_auditor_commits_failed_total", NULL, "Transactions that failed."),
        .pending = metrics_gauge("nwims_auditor_pending_messages", NULL, "Messages that wait in the stream."),
        .commit_seconds =
            metrics_histogram("nwims_auditor_commit_seconds", NULL, "Time to store a batch of records.", NULL, 0),
        .age_seconds = metrics_histogram("nwims_auditor_record_age_seconds", NULL,
            "Time from what happened until it was stored.", ages, sizeof ages / sizeof *ages),
        .heads_signed = metrics_counter("nwims_auditor_heads_signed_total", NULL, "Heads of chains signed."),
        .broken_chains = metrics_gauge("nwims_auditor_broken_chains", NULL,
            "Chains that contradict their last signed head, at the last round. Anything but 0 is an alarm."),
        .cut_chains = metrics_counter("nwims_auditor_chains_cut_total", NULL,
            "Chains that ended before what this process had written. Anything but 0 is an alarm."),
        .verified = metrics_counter("nwims_auditor_records_verified_total", NULL, "Records looked at by verification."),
        .problems = metrics_counter("nwims_auditor_problems_found_total", NULL, "Problems that verification found."),
    };
}
