<?php
// phpredis 5.3 (Debian's php-redis): its calls through the extension, its serializer, its prefix, its sessions.

declare(strict_types=1);

error_reporting(E_ALL);
set_error_handler(function (int $level, string $text, string $file, int $line): bool {
    throw new ErrorException($text, 0, $level, $file, $line);
});

const WAIT_SECONDS = 10;
$host = getenv('LARDER_HOST') ?: '127.0.0.1';
$port = (int) (getenv('LARDER_PORT') ?: 6379);

function open(array $options = []): Redis
{
    global $host, $port;
    $redis = new Redis();
    $redis->connect($host, $port, 30);
    foreach ($options as $option => $value) {
        $redis->setOption($option, $value);
    }
    return $redis;
}

function same(mixed $expected, mixed $actual, string $what = ''): void
{
    if ($expected !== $actual) {
        throw new Exception(trim("$what expected " . var_export($expected, true) . ', got ' . var_export($actual, true)));
    }
}

function sorted(array $values): array
{
    sort($values);
    return $values;
}

function until(callable $condition): void
{
    for ($deadline = microtime(true) + WAIT_SECONDS; !$condition(); usleep(5000)) {
        if (microtime(true) > $deadline) {
            throw new Exception('still not so after ' . WAIT_SECONDS . ' s');
        }
    }
}

/** The error without the byte 0 that the extension leaves behind it. */
function lastError(Redis $redis): string
{
    return rtrim((string) $redis->getLastError(), "\0");
}

$tests = [];

$tests['strings and expiry'] = function (Redis $redis): void {
    same(true, $redis->set('k', "bytes \0\r\n\xff", ['nx', 'ex' => 100]));
    same(false, $redis->set('k', 'w', ['nx']));
    same("bytes \0\r\n\xff", $redis->get('k'));
    same(false, $redis->get('nothing'));
    same(true, $redis->ttl('k') > 90);
    same(true, $redis->mSet(['a' => '1', 'b' => '2']));
    same(['1', '2', false], $redis->mGet(['a', 'b', 'nothing']));
    same(6, $redis->incrBy('a', 5));
    same(6.5, $redis->incrByFloat('a', 0.5));
    same(2, $redis->del(['a', 'b', 'nothing']));
    same(true, $redis->pExpire('k', 20));
    until(fn () => $redis->exists('k') === 0);
};

$tests['hashes'] = function (Redis $redis): void {
    same(true, $redis->hMSet('h', ['a' => '1', 'b' => 'two']));
    same(['a' => '1', 'b' => 'two'], $redis->hGetAll('h'));
    same(['a' => '1', 'z' => false], $redis->hMGet('h', ['a', 'z']));
    same(42, $redis->hIncrBy('h', 'a', 41));
    same(false, $redis->hSetNx('h', 'a', 'x'));
    same([2, 3, false], [$redis->hLen('h'), $redis->hStrLen('h', 'b'), $redis->hExists('h', 'z')]);
    same(1, $redis->hDel('h', 'a', 'z'));
};

$tests['lists, sets and sorted sets'] = function (Redis $redis): void {
    same(3, $redis->rPush('l', 'a', 'b', 'c'));
    same(['b', 'c'], $redis->lRange('l', 1, -1));
    same('c', $redis->rpoplpush('l', 'other'));
    same(true, $redis->lTrim('l', 0, 0));
    same(['l', 'a'], $redis->blPop(['nothing', 'l'], 1));
    same(3, $redis->sAdd('a', '1', '2', 'x'));
    $redis->sAddArray('b', ['2', 'x', 'y']);
    same(['2', 'x'], sorted($redis->sInter('a', 'b')));
    same(1, $redis->sDiffStore('c', 'a', 'b'));
    same('1', $redis->sPop('c'));
    same(3, $redis->zAdd('z', 1, 'a', 2.5, 'b', INF, 'c'));
    same(['a' => 1.0, 'b' => 2.5, 'c' => INF], $redis->zRange('z', 0, -1, true));
    same(['b' => 2.5], $redis->zRangeByScore('z', '(1', '+inf', ['withscores' => true, 'limit' => [0, 1]]));
    same(1.25, $redis->zIncrBy('z', 0.25, 'a'));
    same([1, 1, false], [$redis->zRank('z', 'b'), $redis->zRevRank('z', 'b'), $redis->zRank('z', 'no')]);
    same(['a' => 1.25], $redis->zPopMin('z'));
    same(2, $redis->zCard('z'));
};

$tests['scans find everything once'] = function (Redis $redis): void {
    $redis->setOption(Redis::OPT_SCAN, (string) Redis::SCAN_RETRY);
    $fields = [];
    foreach (range(1, 1000) as $n) {
        $fields["m:$n"] = (string) $n;
        $redis->set("k:$n", 'v');
    }
    $redis->hMSet('h', $fields);
    $found = [];
    for ($cursor = null; ($keys = $redis->scan($cursor, 'k:*', 100)) !== false;) {
        array_push($found, ...$keys);
    }
    same(1000, count(array_unique($found)));
    $found = [];
    for ($cursor = null; ($part = $redis->hScan('h', $cursor, 'm:*', 100)) !== false;) {
        $found += $part;
    }
    ksort($fields);
    ksort($found);
    same($fields, $found);
};

$tests['pipelines and transactions'] = function (Redis $redis): void {
    same([true, 1, '1'], $redis->pipeline()->set('k', '0')->incr('k')->get('k')->exec());
    same([true, 2, 1], $redis->multi()->set('k', '1')->incr('k')->rPush('l', 'a')->exec());
    same([true, false, 'abc'], $redis->multi()->set('k', 'abc')->incr('k')->get('k')->exec());
    $redis->watch('k');
    open()->set('k', 'changed');
    same(false, $redis->multi()->set('k', 'mine')->exec());
    same('changed', $redis->get('k'));
    $redis->multi();
    $redis->set('k', 'w');
    same(true, $redis->discard());
    same('changed', $redis->get('k'));
};

$tests['scripts'] = function (Redis $redis): void {
    $text = "return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}";
    same(['n', 'v', 1], $redis->eval($text, ['n', 'v'], 1));
    same(['n', 'v', 2], $redis->evalSha(sha1($text), ['n', 'v'], 1));
    same([1, 0], $redis->script('exists', sha1($text), str_repeat('0', 40)));
    same(true, $redis->script('flush'));
    same(false, $redis->evalSha(sha1($text), ['n', 'v'], 1));
    same('NOSCRIPT No matching script. Please use EVAL.', lastError($redis));
    same(sha1($text), $redis->script('load', $text));
};

$tests['values of PHP are serialized and compressed'] = function (Redis $redis): void {
    $value = ['list' => [1, 2.5, null, true], 'text' => 'ключ'];
    $php = open([Redis::OPT_SERIALIZER => Redis::SERIALIZER_PHP, Redis::OPT_PREFIX => 'app:']);
    $php->set('k', $value);
    same($value, $php->get('k'));
    same(serialize($value), $redis->get('app:k'));
    $php->hSet('h', 'f', $value);
    same(['f' => $value], $php->hGetAll('h'));
    same([$value, false], $php->mGet(['k', 'nothing']));
};

$tests['messages'] = function (Redis $redis): void {
    global $host, $port;
    $code = '$r = new Redis(); $r->connect($argv[1], (int) $argv[2]); while ($r->pubsub("numsub", ["c"])["c"] < 1) usleep(5000);'
        . 'foreach ([1, 2, 3] as $n) $r->publish("c", "message $n");';
    $publisher = proc_open([PHP_BINARY, '-r', $code, '--', $host, (string) $port], [], $pipes);
    $got = [];
    // subscribe() of this version goes on after an unsubscribe too: only the end of the connection leads out of it.
    try {
        $redis->subscribe(['c'], function (Redis $redis, string $channel, string $message) use (&$got): void {
            $got[] = [$channel, $message];
            count($got) < 3 || $redis->close();
        });
    } catch (RedisException $closed) {
        same('Connection closed', $closed->getMessage());
    }
    same(0, proc_close($publisher));
    until(fn () => open()->pubsub('numsub', ['c'])['c'] < 1);
    same([['c', 'message 1'], ['c', 'message 2'], ['c', 'message 3']], $got);
    same(true, open()->set('k', 'v'));
};

$tests['errors'] = function (Redis $redis): void {
    $redis->set('k', 'abc');
    same(false, $redis->incr('k'));
    same('ERR value is not an integer or out of range', lastError($redis));
    same(false, $redis->lPush('k', 'x'));
    same('WRONGTYPE Operation against a key holding the wrong kind of value', lastError($redis));
    $redis->clearLastError();
    same(false, $redis->rawCommand('nosuch', 'a'));
    same("ERR unknown command 'nosuch', with args beginning with: 'a' ", lastError($redis));
};

$tests['sessions with locks'] = function (Redis $redis): void {
    global $host, $port;
    ini_set('session.save_handler', 'redis');
    ini_set('session.save_path', "tcp://$host:$port?prefix=sess:&database=2");
    ini_set('redis.session.locking_enabled', '1');
    ini_set('session.use_cookies', '0');
    ini_set('session.cache_limiter', '');
    $redis->select(2);
    session_id('suite');
    session_start();
    $_SESSION['user'] = ['id' => 5];
    same(1, $redis->exists('sess:suite_LOCK'));
    session_write_close();
    same(0, $redis->exists('sess:suite_LOCK'));
    same(true, $redis->ttl('sess:suite') > 1000);
    $_SESSION = [];
    session_start();
    same(['user' => ['id' => 5]], $_SESSION);
    session_destroy();
    same(0, $redis->dbSize());
};

$tests['information and names'] = function (Redis $redis): void {
    same(true, $redis->ping());
    same('+text', '+' . $redis->echo('text'));
    same(true, $redis->client('setname', 'suite'));
    same('suite', $redis->client('getname'));
    same(1, count(array_filter($redis->client('list'), fn (array $client) => $client['name'] === 'suite')));
    same('master', $redis->info('replication')['role']);
    same(['port' => (string) getenv('LARDER_PORT')], $redis->config('GET', 'port'));
    same(Redis::REDIS_HASH, $redis->hSet('h', 'f', 'v') ? $redis->type('h') : null);
};

// Output would end the chance of a session to start, so it is kept until everything is done.
ob_start();
$failures = 0;
foreach ($tests as $name => $test) {
    try {
        $redis = open();
        $redis->flushAll();
        $test($redis);
        echo "ok $name\n";
    } catch (Throwable $error) {
        $failures++;
        echo "not ok $name: {$error->getMessage()} (line {$error->getLine()})\n{$error->getTraceAsString()}\n";
    }
}
echo count($tests) - $failures, " passed, $failures failed\n";
ob_end_flush();
exit($failures === 0 ? 0 : 1);
