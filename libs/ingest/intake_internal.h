/* What an intake holds; gather.c works with the same directory, rules and counters. Inside libs/ingest only. */
#pragma once
#include "ingest/intake.h"
#include "ingest/refusal.h"

struct intake {
    struct bus *bus;
    struct bus_inbox *inbox;
    struct directory *directory;
    struct intake_config config;
    struct refusal_sink refusals;
    struct metric *received, *accepted, *pushed_back;
};
