/* Reads a client's frames (RFC 6455, section 5) byte by byte, in constant memory: contents are not kept, but for those
 * of control frames. No I/O. */
#pragma once
#include "base/compiler.h"

enum { FRAME_LONGEST_CONTROL = 125, FRAME_LARGEST_MESSAGE = 64 * 1024 };
enum frame_opcode {
    FRAME_CONTINUATION = 0,
    FRAME_TEXT = 1,
    FRAME_BINARY = 2,
    FRAME_CLOSE = 8,
    FRAME_PING = 9,
    FRAME_PONG = 10
};
enum frame_event {
    FRAME_MORE,    /* needs more bytes                                             */
    FRAME_CONTROL, /* a control frame is whole: opcode, payload, payload_size      */
    FRAME_BROKEN,  /* against the rules: 1002                                      */
    FRAME_TOO_BIG  /* a message longer than FRAME_LARGEST_MESSAGE: 1009            */
};
struct frame_reader { /* starts as { 0 } */
    unsigned char head[14];
    size_t head_size;
    uint64_t left;         /* of the payload */
    uint64_t message_size; /* of the fragments so far */
    bool in_payload, in_message;
    enum frame_opcode opcode;
    unsigned char payload[FRAME_LONGEST_CONTROL];
    size_t payload_size;
};
/* Takes bytes until something is to be told; *out_taken of them were used. */
enum frame_event frame_read(struct frame_reader *reader, const unsigned char *bytes, size_t size, size_t *out_taken);
/* The head of a frame of ours; gives its size. */
enum { FRAME_HEAD_SIZE = 10 };
size_t frame_head(unsigned char head[FRAME_HEAD_SIZE], enum frame_opcode opcode, size_t size);
