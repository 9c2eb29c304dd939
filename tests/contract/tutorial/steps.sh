# The four steps of the tutorial with curl, from a token to the pictures. Needs CUSTOM_MODELS_CLIENT_ID and _SECRET.
set -euo pipefail
ask() { curl --silent --show-error --fail-with-body "$@"; }
field() { grep -o "\"$1\": *\"[^\"]*\"" | sed -n '1s/.*"\([^"]*\)"$/\1/p'; }

CUSTOM_MODELS_ACCESS_TOKEN=$(ask --location 'https://ims-na1.adobelogin.com/ims/token/v3' \
    --header 'Content-Type: application/x-www-form-urlencoded' \
    --data-urlencode 'grant_type=client_credentials' \
    --data-urlencode "client_id=$CUSTOM_MODELS_CLIENT_ID" \
    --data-urlencode "client_secret=$CUSTOM_MODELS_CLIENT_SECRET" \
    --data-urlencode 'scope=openid,AdobeID,firefly_api,ff_apis' | field access_token)

who=(--header "x-api-key: $CUSTOM_MODELS_CLIENT_ID" --header "Authorization: Bearer $CUSTOM_MODELS_ACCESS_TOKEN")
json=(--header 'Content-Type: application/json' --header 'Accept: application/json')

ask --request GET 'https://firefly-api.adobe.io/v3/custom-models' "${json[@]}" "${who[@]}" > models.json
CUSTOM_MODEL_ID=$(field assetId < models.json)
echo "model $CUSTOM_MODEL_ID ($(field displayName < models.json))"

ask --request POST 'https://firefly-api.adobe.io/v3/images/generate-async' "${json[@]}" "${who[@]}" \
    --header 'x-accept-mimetype: image/jpeg' \
    --header 'x-model-version: image3_custom' \
    --data "{
        \"numVariations\": 2,
        \"seeds\": [66080, 82683],
        \"size\": {\"width\": 2048, \"height\": 2048},
        \"prompt\": \"An almond seed in a warm setting\",
        \"contentClass\": \"photo\",
        \"visualIntensity\": 6,
        \"style\": {\"presets\": [\"painting\"], \"strength\": 50},
        \"promptBiasingLocaleCode\": \"en-US\",
        \"customModelId\": \"$CUSTOM_MODEL_ID\"
    }" > job.json
host=$(field statusUrl < job.json | sed 's|/v3/status/.*||')

status=running
while [ "$status" = running ] || [ "$status" = pending ]; do
    ask --location "$host/jobs/result/$(field jobId < job.json)" "${json[@]}" "${who[@]}" > status.json || {
        cat status.json
        exit 1
    }
    status=$(field status < status.json)
done
echo "status $status"

grep -o '"seed": *[0-9]*, "image": *{"url": *"[^"]*"' status.json | while IFS='"' read -r _ _ seed _ _ _ _ url _; do
    seed=$(echo "$seed" | tr -dc 0-9)
    ask --output "$seed.jpg" "$url"
done
