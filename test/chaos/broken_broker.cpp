// The broker with one rule broken on purpose: after a break of the link live streams go on without reading
// the log again. The chaos checker must find that (test/chaos/run.py --break-rule).
#define TIDINGS_BREAK_REREAD
#include "broker/broker.cpp"
