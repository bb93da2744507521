#include "writer_metrics.h"

static const double row_bounds[] = { 1, 10, 100, 1000, 5000, 10000, 20000, 50000, 100000 };
static const double age_bounds[] = { 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600 };

void writer_metrics_init(struct writer_metrics *metrics)
{
    *metrics = (struct writer_metrics){
        .stored = metrics_counter("nwims_batch_writer_readings_stored_total", NULL, "Readings stored."),
        .duplicate =
            metrics_counter("nwims_batch_writer_readings_duplicate_total", NULL, "Readings that were stored already."),
        .dead = metrics_counter(
            "nwims_batch_writer_messages_dead_total", NULL, "Messages that can never be stored, sent to DEAD."),
        .recognised = metrics_counter("nwims_batch_writer_messages_recognised_total", NULL,
            "Redelivered messages that the ledger knew and that were not stored again."),
        .commits =
            metrics_counter("nwims_batch_writer_transactions_total", "way=\"copy\"", "Transactions committed, by way."),
        .careful_commits = metrics_counter(
            "nwims_batch_writer_transactions_total", "way=\"careful\"", "Transactions committed, by way."),
        .failed_commits = metrics_counter(
            "nwims_batch_writer_transactions_failed_total", NULL, "Transactions rolled back and tried again."),
        .commit_seconds = metrics_histogram(
            "nwims_batch_writer_commit_seconds", NULL, "From the first row of a transaction to its commit.", NULL, 0),
        .age_seconds = metrics_histogram("nwims_batch_writer_batch_age_seconds", NULL,
            "From taking a batch in to its commit.", age_bounds, sizeof age_bounds / sizeof *age_bounds),
        .commit_rows = metrics_histogram("nwims_batch_writer_commit_readings", NULL, "Readings in a transaction.",
            row_bounds, sizeof row_bounds / sizeof *row_bounds),
        .pending =
            metrics_gauge("nwims_batch_writer_consumer_pending", NULL, "Messages in the stream that nobody took yet."),
        .unacknowledged = metrics_gauge("nwims_batch_writer_consumer_ack_pending", NULL,
            "Messages that this replica has taken and not yet acknowledged."),
        .redelivered =
            metrics_counter("nwims_batch_writer_consumer_redelivered_total", NULL, "Messages that came again."),
        .rollup_waiting =
            metrics_gauge("nwims_batch_writer_rollup_due_marks", NULL, "Hours of sensors that wait to be rolled up."),
        .rollup_seconds =
            metrics_histogram("nwims_batch_writer_rollup_seconds", NULL, "Duration of a round of rollups.", NULL, 0),
        .partitions_made =
            metrics_counter("nwims_batch_writer_partitions_made_total", NULL, "Partitions made ahead of their time."),
        .partitions_compacted = metrics_counter("nwims_batch_writer_partitions_compacted_total", NULL,
            "Partitions whose index was built anew, full, after they had stopped growing."),
        .gaps_told = metrics_counter("nwims_batch_writer_gaps_told_total", NULL,
            "Times that it was told what is missing of a device's own sequence."),
    };
}
