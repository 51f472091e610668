// Channels in compiled code. A channel is passed as its address, which the caller keeps alive.
//
// Numbers travel as the widest of their kind: integers and bools as int64, floats as double, complex numbers as two doubles. `timeout`:
// seconds to wait; negative: as long as it takes. Closed channels, and those that are still full or empty in the end, are errors.
#pragma once

#include <cstdint>

#include "hasten/abi/array_view.h"
#include "hasten/abi/env.h"

extern "C" {
int32_t hst_channel_put_int(hasten::abi::Env* env, int64_t channel, int64_t value, double timeout);
int32_t hst_channel_put_float(hasten::abi::Env* env, int64_t channel, double value, double timeout);
int32_t hst_channel_put_complex(hasten::abi::Env* env, int64_t channel, double real, double imag, double timeout);
int32_t hst_channel_put_array(hasten::abi::Env* env, int64_t channel, const hasten::abi::ArrayView* array, double timeout);

int32_t hst_channel_get_int(hasten::abi::Env* env, int64_t* value, int64_t channel, double timeout);
int32_t hst_channel_get_float(hasten::abi::Env* env, double* value, int64_t channel, double timeout);
int32_t hst_channel_get_complex(hasten::abi::Env* env, double* value, int64_t channel, double timeout);
int32_t hst_channel_get_array(hasten::abi::Env* env, hasten::abi::ArrayView* array, int64_t channel, double timeout);

// For loops: waits for the next item, or for the end, where `*found` is 0 and the item is 0 or an array without a block.
int32_t hst_channel_next_int(hasten::abi::Env* env, int8_t* found, int64_t* value, int64_t channel);
int32_t hst_channel_next_float(hasten::abi::Env* env, int8_t* found, double* value, int64_t channel);
int32_t hst_channel_next_complex(hasten::abi::Env* env, int8_t* found, double* value, int64_t channel);
int32_t hst_channel_next_array(hasten::abi::Env* env, int8_t* found, hasten::abi::ArrayView* array, int64_t channel);

int32_t hst_channel_close(hasten::abi::Env* env, int64_t channel, int8_t discard);
int32_t hst_channel_size(hasten::abi::Env* env, int64_t* size, int64_t channel);
int32_t hst_channel_closed(hasten::abi::Env* env, int8_t* is_closed, int64_t channel);
}
