#include "base/number.h"
#include "metrics/metrics_internal.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static void put_value(struct buffer *out, double value)
{
    char text[NUMBER_TEXT_SIZE];
    if (isnan(value))
        buffer_put_text(out, "NaN");
    else if (isinf(value))
        buffer_put_text(out, value > 0 ? "+Inf" : "-Inf");
    else
        buffer_put(out, text, number_format(text, value));
}

static void put_escaped(struct buffer *out, const char *text, bool is_label)
{
    for (; *text; text++)
        if (*text == '\n')
            buffer_put_text(out, "\\n");
        else if (*text == '\\' || (is_label && *text == '"')) {
            buffer_put_char(out, '\\');
            buffer_put_char(out, *text);
        } else
            buffer_put_char(out, *text);
}

void metrics_render_head(struct buffer *out, const char *name, const char *help, const char *type)
{
    buffer_printf(out, "# HELP %s ", name);
    put_escaped(out, help, false);
    buffer_printf(out, "\n# TYPE %s %s\n", name, type);
}

void metrics_render_sample(struct buffer *out, const char *name, const char *labels, const char *more, double value)
{
    buffer_put_text(out, name);
    if (*labels || *more)
        buffer_printf(out, "{%s%s%s}", labels, *labels && *more ? "," : "", more);
    buffer_put_char(out, ' ');
    put_value(out, value);
    buffer_put_char(out, '\n');
}

/* The count is the sum of the buckets as they are read here, so that a scrape is consistent in itself. */
static void render_histogram(struct buffer *out, const char *name, const struct metric *metric)
{
    char full[256], bound[NUMBER_TEXT_SIZE + 8] = "le=\"";
    uint64_t total = 0;
    int length = snprintf(full, sizeof full, "%s_bucket", name);
    if (length < 0 || (size_t)length >= sizeof full)
        return;
    for (size_t i = 0; i <= metric->bound_count; i++) {
        total += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
        if (i < metric->bound_count) {
            size_t at = 4 + number_format(bound + 4, metric->bounds[i]);
            memcpy(bound + at, "\"", 2);
        }
        metrics_render_sample(
            out, full, metric->labels, i < metric->bound_count ? bound : "le=\"+Inf\"", (double)total);
    }
    snprintf(full, sizeof full, "%s_sum", name);
    metrics_render_sample(out, full, metric->labels, "", metric_value(metric));
    snprintf(full, sizeof full, "%s_count", name);
    metrics_render_sample(out, full, metric->labels, "", (double)total);
}

static void render_family(void *context, const struct metric_family *family)
{
    struct buffer *out = context;
    static const char *const types[] = {
        [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"
    };
    metrics_render_head(out, family->name, family->help, types[family->kind]);
    for (const struct metric *metric = family->first; metric; metric = metric->next)
        if (metric->kind == METRIC_HISTOGRAM)
            render_histogram(out, family->name, metric);
        else
            metrics_render_sample(out, family->name, metric->labels, "", metric_value(metric));
}

static void render_build(struct buffer *out, const char *service, const char *version)
{
    metrics_render_head(out, "nwims_build_info", "What runs here; always 1.", "gauge");
    buffer_put_text(out, "nwims_build_info{service=\"");
    put_escaped(out, service, true);
    buffer_put_text(out, "\",version=\"");
    put_escaped(out, version, true);
    buffer_put_text(out, "\"} 1\n");
}

void metrics_render(struct buffer *out, const char *service, const char *version)
{
    metrics_each_family(render_family, out);
    render_build(out, service, version);
    metrics_render_process(out);
}
