/* Frames of a WebSocket client: whatever comes, in whatever pieces, is taken, told or refused the same. */
#include "http/websocket_frames.h"
#include "tests/fuzz/fuzz.h"
#include <assert.h>
#include <string.h>

/* What was told, until the first refusal or the end. */
struct story {
    size_t controls, bytes_taken;
    enum frame_event last;
};

static struct story read_in_pieces(const unsigned char *bytes, size_t size, size_t piece)
{
    struct frame_reader reader = { 0 };
    struct story story = { .last = FRAME_MORE };
    while (story.bytes_taken < size && story.last != FRAME_BROKEN && story.last != FRAME_TOO_BIG) {
        size_t left = size - story.bytes_taken, taken = 0;
        story.last = frame_read(&reader, bytes + story.bytes_taken, left < piece ? left : piece, &taken);
        assert(taken <= left && (taken > 0 || story.last != FRAME_MORE));
        assert(reader.payload_size <= sizeof reader.payload && reader.head_size <= sizeof reader.head);
        story.bytes_taken += taken;
        story.controls += story.last == FRAME_CONTROL;
    }
    return story;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct story whole = read_in_pieces(bytes, size, size), single = read_in_pieces(bytes, size, 1);
    assert(whole.controls == single.controls && whole.bytes_taken == single.bytes_taken);
    return 0;
}
