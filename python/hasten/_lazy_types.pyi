"""What type checkers see of the names that are imported when first asked for; `hasten._lazy` has the table."""

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
    get_start_method as get_start_method,
)
from multiprocessing import (
    parent_process as parent_process,
)
from multiprocessing import (
    set_start_method as set_start_method,
)

from hasten._memo import (
    cache as cache,
)
from hasten._memo import (
    lru_cache as lru_cache,
)
from hasten._pool.contexts import (
    JoinableQueue as JoinableQueue,
)
from hasten._pool.contexts import (
    Queue as Queue,
)
from hasten._pool.contexts import (
    SimpleQueue as SimpleQueue,
)
from hasten._pool.contexts import (
    get_all_start_methods as get_all_start_methods,
)
from hasten._pool.contexts import (
    get_context as get_context,
)
from hasten._pool.executor import (
    ProcessPoolExecutor as ProcessPoolExecutor,
)
from hasten._pool.share import share as share
from hasten._pool.template_pool import Pool as Pool
from hasten._programs import (
    Command as Command,
)
from hasten._programs import (
    CompletedProgram as CompletedProgram,
)
from hasten._programs import (
    iter_all as iter_all,
)
from hasten._programs import (
    run_all as run_all,
)
from hasten._threads.channel import (
    Channel as Channel,
)
from hasten._threads.channel import (
    ChannelBroken as ChannelBroken,
)
from hasten._threads.channel import (
    ChannelClosed as ChannelClosed,
)
from hasten._threads.channel import (
    select as select,
)
from hasten._threads.executor import (
    ThreadPoolExecutor as ThreadPoolExecutor,
)
from hasten._threads.pool import (
    ThreadPool as ThreadPool,
)
from hasten._threads.thread import (
    Thread as Thread,
)
from hasten._threads.thread import (
    Timer as Timer,
)
from hasten._threads.thread import (
    current_thread as current_thread,
)
