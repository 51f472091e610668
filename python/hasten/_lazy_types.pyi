"""What type checkers see of the names that are imported when first asked for; `hasten._lazy` has the table."""

from concurrent.futures import (
    ProcessPoolExecutor as ProcessPoolExecutor,
)
from concurrent.futures import (
    ThreadPoolExecutor as ThreadPoolExecutor,
)
from functools import (
    cache as cache,
)
from functools import (
    lru_cache as lru_cache,
)
from multiprocessing import (
    Array as Array,
)
from multiprocessing import (
    Barrier as Barrier,
)
from multiprocessing import (
    BoundedSemaphore as BoundedSemaphore,
)
from multiprocessing import (
    Condition as Condition,
)
from multiprocessing import (
    Event as Event,
)
from multiprocessing import (
    JoinableQueue as JoinableQueue,
)
from multiprocessing import (
    Lock as Lock,
)
from multiprocessing import (
    Manager as Manager,
)
from multiprocessing import (
    Pipe as Pipe,
)
from multiprocessing import (
    Process as Process,
)
from multiprocessing import (
    Queue as Queue,
)
from multiprocessing import (
    RawArray as RawArray,
)
from multiprocessing import (
    RawValue as RawValue,
)
from multiprocessing import (
    RLock as RLock,
)
from multiprocessing import (
    Semaphore as Semaphore,
)
from multiprocessing import (
    SimpleQueue as SimpleQueue,
)
from multiprocessing import (
    Value as Value,
)
from multiprocessing import (
    active_children as active_children,
)
from multiprocessing import (
    cpu_count as cpu_count,
)
from multiprocessing import (
    current_process as current_process,
)
from multiprocessing import (
    freeze_support as freeze_support,
)
from multiprocessing import (
    get_all_start_methods as get_all_start_methods,
)
from multiprocessing import (
    get_context as get_context,
)
from multiprocessing import (
    get_start_method as get_start_method,
)
from multiprocessing import (
    parent_process as parent_process,
)
from multiprocessing import (
    set_start_method as set_start_method,
)
from multiprocessing.pool import (
    ThreadPool as ThreadPool,
)
from threading import (
    Thread as Thread,
)
from threading import (
    Timer as Timer,
)

from hasten._pool.pool import Pool as Pool
