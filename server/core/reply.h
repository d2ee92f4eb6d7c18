// What handlers write their replies with.
#pragma once

#include "protocol/reply_writer.h"

namespace larder::core {

using Reply = protocol::ReplyWriter;
using protocol::RespVersion;

}  // namespace larder::core
