"""How items of queues between processes are pickled: as multiprocessing does, but with large buffers beside it."""

import copyreg
import pickle
from collections import ChainMap
from io import BytesIO
from multiprocessing.reduction import ForkingPickler

from hasten import _core
from hasten._pool.pickling import dumps

_LEAST_BUFFER = 2048  # smaller ones are copied into the pickle
_MOST_BUFFERS = 1000

# What ForkingPickler looks reducers up in; these are the dictionaries themselves, so that later registrations count.
_reducers = ChainMap(ForkingPickler._extra_reducers, copyreg.dispatch_table)  # type: ignore[attr-defined]


def encode(item: object) -> bytes | tuple[bytes, list[pickle.PickleBuffer]]:
    """Pickle an item; where it has large buffers, they come beside the pickle."""
    buffers: list[pickle.PickleBuffer] = []

    def keep_in_pickle(buffer: pickle.PickleBuffer) -> bool:
        if len(buffers) >= _MOST_BUFFERS or buffer.raw().nbytes < _LEAST_BUFFER:
            return True
        buffers.append(buffer)
        return False

    stream = BytesIO()
    pickler = pickle.Pickler(stream, pickle.HIGHEST_PROTOCOL, buffer_callback=keep_in_pickle)
    pickler.dispatch_table = _reducers
    try:
        pickler.dump(item)
    except (pickle.PicklingError, AttributeError, TypeError):
        return dumps(item)  # with cloudpickle, or the same exception
    pickled = stream.getvalue()
    return (pickled, buffers) if buffers else pickled


_core.register_item_codec(encode, pickle.dumps, pickle.HIGHEST_PROTOCOL, pickle.loads)
