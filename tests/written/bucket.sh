#!/bin/sh
# bucket.sh PYTHON COMMAND…: runs the command with moto's S3 server as its endpoint, which PYTHON has, and a bucket.
set -eu
python=$1
shift
folder=$(mktemp -d)
"$python" -m moto.server -H 127.0.0.1 -p 0 >"$folder/log" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$folder"' EXIT
url=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    url=$(sed -n 's/.*Running on \(http:[^ ]*\).*/\1/p' "$folder/log" | head -n 1)
    [ -n "$url" ] && break
    sleep 0.5
done
[ -n "$url" ] || {
    echo "bucket: moto's server does not start" >&2
    cat "$folder/log" >&2
    exit 1
}
export AWS_ENDPOINT_URL="$url" AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing
"$python" -c 'import boto3; boto3.client("s3").create_bucket(Bucket="bucket")'
"$@"
