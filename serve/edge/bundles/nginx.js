// Code generated from the sources of the edge; DO NOT EDIT.
var __extends=(function(){var extendStatics=function(d,b){return extendStatics=Object.setPrototypeOf||{__proto__:[]}instanceof
Array&&function(d2,b2){d2.__proto__=b2}||function(d2,b2){for(var p in b2)Object.prototype.hasOwnProperty.call(b2,p)&&(d2[p]=
b2[p])},extendStatics(d,b)};return function(d,b){if(typeof b!="function"&&b!==null)throw new TypeError("Class extends va\
lue "+String(b)+" is not a constructor or null");extendStatics(d,b);function __(){this.constructor=d}d.prototype=b===null?
Object.create(b):(__.prototype=b.prototype,new __)}})(),__assign=function(){return __assign=Object.assign||function(t){for(var s,
i2=1,n=arguments.length;i2<n;i2++){s=arguments[i2];for(var p in s)Object.prototype.hasOwnProperty.call(s,p)&&(t[p]=s[p])}
return t},__assign.apply(this,arguments)},__awaiter=function(thisArg,_arguments,P,generator){function adopt(value){return value instanceof
P?value:new P(function(resolve){resolve(value)})}return new(P||(P=Promise))(function(resolve,reject){function fulfilled(value){
try{step(generator.next(value))}catch(e){reject(e)}}function rejected(value){try{step(generator.throw(value))}catch(e){reject(
e)}}function step(result){result.done?resolve(result.value):adopt(result.value).then(fulfilled,rejected)}step((generator=
generator.apply(thisArg,_arguments||[])).next())})},__generator=function(thisArg,body){var _={label:0,sent:function(){if(t[0]&
1)throw t[1];return t[1]},trys:[],ops:[]},f,y,t,g=Object.create((typeof Iterator=="function"?Iterator:Object).prototype);
return g.next=verb(0),g.throw=verb(1),g.return=verb(2),typeof Symbol=="function"&&(g[Symbol.iterator]=function(){return this}),
g;function verb(n){return function(v){return step([n,v])}}function step(op){if(f)throw new TypeError("Generator is alrea\
dy executing.");for(;g&&(g=0,op[0]&&(_=0)),_;)try{if(f=1,y&&(t=op[0]&2?y.return:op[0]?y.throw||((t=y.return)&&t.call(y),
0):y.next)&&!(t=t.call(y,op[1])).done)return t;switch(y=0,t&&(op=[op[0]&2,t.value]),op[0]){case 0:case 1:t=op;break;case 4:
return _.label++,{value:op[1],done:!1};case 5:_.label++,y=op[1],op=[0];continue;case 7:op=_.ops.pop(),_.trys.pop();continue;default:
if(t=_.trys,!(t=t.length>0&&t[t.length-1])&&(op[0]===6||op[0]===2)){_=0;continue}if(op[0]===3&&(!t||op[1]>t[0]&&op[1]<t[3])){
_.label=op[1];break}if(op[0]===6&&_.label<t[1]){_.label=t[1],t=op;break}if(t&&_.label<t[2]){_.label=t[2],_.ops.push(op);
break}t[2]&&_.ops.pop(),_.trys.pop();continue}op=body.call(thisArg,_)}catch(e){op=[6,e],y=0}finally{f=t=0}if(op[0]&5)throw op[1];
return{value:op[0]?op[1]:void 0,done:!0}}},__await=function(v){return this instanceof __await?(this.v=v,this):new __await(
v)},__asyncGenerator=function(thisArg,_arguments,generator){if(!Symbol.asyncIterator)throw new TypeError("Symbol.asyncIt\
erator is not defined.");var g=generator.apply(thisArg,_arguments||[]),i2,q=[];return i2=Object.create((typeof AsyncIterator==
"function"?AsyncIterator:Object).prototype),verb("next"),verb("throw"),verb("return",awaitReturn),i2[Symbol.asyncIterator]=
function(){return this},i2;function awaitReturn(f){return function(v){return Promise.resolve(v).then(f,reject)}}function verb(n,f){
g[n]&&(i2[n]=function(v){return new Promise(function(a,b){q.push([n,v,a,b])>1||resume(n,v)})},f&&(i2[n]=f(i2[n])))}function resume(n,v){
try{step(g[n](v))}catch(e){settle(q[0][3],e)}}function step(r){r.value instanceof __await?Promise.resolve(r.value.v).then(
fulfill,reject):settle(q[0][2],r)}function fulfill(value){resume("next",value)}function reject(value){resume("throw",value)}
function settle(f,v){f(v),q.shift(),q.length&&resume(q[0][0],q[0][1])}},__asyncValues=function(o){if(!Symbol.asyncIterator)
throw new TypeError("Symbol.asyncIterator is not defined.");var m=o[Symbol.asyncIterator],i2;return m?m.call(o):(o=typeof __values==
"function"?__values(o):o[Symbol.iterator](),i2={},verb("next"),verb("throw"),verb("return"),i2[Symbol.asyncIterator]=function(){
return this},i2);function verb(n){i2[n]=o[n]&&function(v){return new Promise(function(resolve,reject){v=o[n](v),settle(resolve,
reject,v.done,v.value)})}}function settle(resolve,reject,d,v){Promise.resolve(v).then(function(v2){resolve({value:v2,done:d})},
reject)}},__asyncDelegator=function(o){var i2,p;return i2={},verb("next"),verb("throw",function(e){throw e}),verb("retur\
n"),i2[Symbol.iterator]=function(){return this},i2;function verb(n,f){i2[n]=o[n]?function(v){return(p=!p)?{value:__await(
o[n](v)),done:!1}:f?f(v):v}:f}},__values=function(o){var s=typeof Symbol=="function"&&Symbol.iterator,m=s&&o[s],i2=0;if(m)
return m.call(o);if(o&&typeof o.length=="number")return{next:function(){return o&&i2>=o.length&&(o=void 0),{value:o&&o[i2++],
done:!o}}};throw new TypeError(s?"Object is not iterable.":"Symbol.iterator is not defined.")},__read=function(o,n){var m=typeof Symbol==
"function"&&o[Symbol.iterator];if(!m)return o;var i2=m.call(o),r,ar=[],e;try{for(;(n===void 0||n-- >0)&&!(r=i2.next()).done;)
ar.push(r.value)}catch(error){e={error:error}}finally{try{r&&!r.done&&(m=i2.return)&&m.call(i2)}finally{if(e)throw e.error}}
return ar},__spreadArray=function(to,from,pack){if(pack||arguments.length===2)for(var i2=0,l=from.length,ar;i2<l;i2++)(ar||
!(i2 in from))&&(ar||(ar=Array.prototype.slice.call(from,0,i2)),ar[i2]=from[i2]);return to.concat(ar||Array.prototype.slice.
call(from))},SmallMap=(function(){function class_1(entries){var e_1,_a;this.places=Object.create(null),this.list=[],this.
size=0;try{for(var _b=__values(entries!=null?entries:[]),_c=_b.next();!_c.done;_c=_b.next()){var _d=__read(_c.value,2),key=_d[0],
value=_d[1];this.set(key,value)}}catch(e_1_1){e_1={error:e_1_1}}finally{try{_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{
if(e_1)throw e_1.error}}}return class_1.prototype.place=function(key){var _a;return(_a=this.places[typeof key+key])!==null&&
_a!==void 0?_a:-1},class_1.prototype.get=function(key){var _a;return(_a=this.list[this.place(key)])===null||_a===void 0?
void 0:_a[1]},class_1.prototype.has=function(key){return this.place(key)>=0},class_1.prototype.set=function(key,value){var at=this.
place(key);return at>=0?(this.list[at]=[key,value],this):(this.places[typeof key+key]=this.list.length,this.list.push([key,
value]),this.size++,this)},class_1.prototype.delete=function(key){var at=this.place(key);return at<0?!1:(this.list[at]=void 0,
delete this.places[typeof key+key],this.size--,!0)},class_1.prototype.entries=function(){return this.list.filter(function(e){
return e!==void 0})},class_1.prototype.keys=function(){return this.entries().map(function(e){return e[0]})},class_1.prototype.
values=function(){return this.entries().map(function(e){return e[1]})},class_1.prototype.forEach=function(fn){this.entries().
forEach(function(e){return fn(e[1],e[0])})},class_1.prototype[Symbol.iterator]=function(){return this.entries()[Symbol.iterator]()},
class_1})(),SmallSet=(function(){function class_2(values){var e_2,_a;this.map=new SmallMap;try{for(var _b=__values(values!=
null?values:[]),_c=_b.next();!_c.done;_c=_b.next()){var v=_c.value;this.add(v)}}catch(e_2_1){e_2={error:e_2_1}}finally{try{
_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{if(e_2)throw e_2.error}}}return class_2.prototype.add=function(value){
return this.map.set(value,!0),this},class_2.prototype.has=function(value){return this.map.has(value)},class_2})();function SmallError(message){
this.message=message}SmallError.prototype=Error.prototype;function lend(prototype,name,value){name in prototype||Object.
defineProperty(prototype,name,{value:value})}lend(String.prototype,"replaceAll",function(text,by){return this.split(text).
join(by)}),lend(Array.prototype,"flatMap",function(fn){return[].concat.apply([],__spreadArray([],__read(this.map(fn)),!1))});
import crypto from"crypto";import fs from"fs";var StoreError=(function(_super){__extends(StoreError2,_super);function StoreError2(){
return _super!==null&&_super.apply(this,arguments)||this}return StoreError2})(SmallError),FEW=24;function number(data,at,width){
for(var n=data[at],end=at+width;++at<end;)n=n*256+data[at];return n}function copy(data,from,length,out,at){if(length>FEW)
out.set(data.subarray(from,from+length),at);else for(var end=from+length;from<end;)out[at++]=data[from++]}function writeSummary(data,block,i2,size,out,at){
for(var width=data[block],counts=block+1,rows=counts+3*width,forms=rows+3*width*number(data,counts,width),pieces=forms+width*
number(data,counts+width,width),pool=pieces+2*width*number(data,counts+2*width,width),row=rows+3*width*i2,form=number(data,
row,width),version2=pool+number(data,row+width,width),length=number(data,row+2*width,width),piece=pieces+(form===0?0:2*width*
number(data,forms+width*(form-1),width)),last2=pieces+2*width*number(data,forms+width*form,width),end=at+size;piece<last2;piece+=
2*width){var n=number(data,piece+width,width);if(at+(n>>1)+(n&1)*length>end)break;copy(data,pool+number(data,piece,width),
n>>1,out,at),at+=n>>1,(n&1)!==0&&(copy(data,version2,length,out,at),at+=length)}if(at!==end)throw new StoreError("a part\
 of the catalog is damaged: no summary of ".concat(size," bytes at ").concat(block))}var CHUNK=1024;function fromBytes(bytes,from,to){
from===void 0&&(from=0),to===void 0&&(to=bytes.length);for(var out="",at=from;at<to;at+=CHUNK)out+=String.fromCharCode.apply(
null,bytes.subarray(at,Math.min(to,at+CHUNK)));return out}function toBytes(text){for(var out=new Uint8Array(text.length),
i2=0;i2<text.length;i2++)out[i2]=text.charCodeAt(i2);return out}function utf8(text){var e_3,_a;if(!/[^\0-\x7f]/.test(text))
return text;var out="";try{for(var text_1=__values(text),text_1_1=text_1.next();!text_1_1.done;text_1_1=text_1.next()){var character=text_1_1.
value,c=character.codePointAt(0);c>=55296&&c<=57343&&(c=65533),c<128?out+=String.fromCharCode(c):c<2048?out+=String.fromCharCode(
192|c>>6,128|c&63):c<65536?out+=String.fromCharCode(224|c>>12,128|c>>6&63,128|c&63):out+=String.fromCharCode(240|c>>18,128|
c>>12&63,128|c>>6&63,128|c&63)}}catch(e_3_1){e_3={error:e_3_1}}finally{try{text_1_1&&!text_1_1.done&&(_a=text_1.return)&&
_a.call(text_1)}finally{if(e_3)throw e_3.error}}return out}function runes(text){var i2,size,bytes,lead,code,k;return __generator(
this,function(_a){switch(_a.label){case 0:i2=0,_a.label=1;case 1:return i2<text.length?(size=sequence(text,i2),bytes=text.
slice(i2,i2+Math.max(1,size)),i2+=bytes.length,lead=bytes.charCodeAt(0),size!==0?[3,3]:[4,{code:65533,valid:!1,bytes:bytes}]):
[3,6];case 2:return _a.sent(),[3,5];case 3:for(code=size===1?lead:lead&255>>size+1,k=1;k<size;k++)code=code<<6|bytes.charCodeAt(
k)&63;return[4,{code:code,valid:!0,bytes:bytes}];case 4:_a.sent(),_a.label=5;case 5:return[3,1];case 6:return[2]}})}function sequence(text,at){
var lead=text.charCodeAt(at);if(lead<128)return 1;var size=lead<194?0:lead<224?2:lead<240?3:lead<245?4:0;if(at+size>text.
length)return 0;for(var k=1;k<size;k++){var c=text.charCodeAt(at+k),least=k>1?128:lead===224?160:lead===240?144:128,most=k>
1?191:lead===237?159:lead===244?143:191;if(c<least||c>most)return 0}return size}var OPEN='\n    "policy_templates": [\n',
CLOSE="\n    ]",END="\n      }";function keepTemplates(fragment,keep){var start=fragment.indexOf(OPEN),end=fragment.indexOf(
CLOSE,start+OPEN.length);if(start<0||end<0)return fragment;var before=fragment.slice(0,start),after=fragment.slice(end+CLOSE.
length),templates=fragment.slice(start+OPEN.length,end).split(END+",\n"),kept=templates.map(function(t,i2){return i2<templates.
length-1?t+END:t}).filter(function(_,i2){return keep.includes(i2)});return kept.length>0?before+OPEN+kept.join(",\n")+CLOSE+
after:after.startsWith(",")?before+after.slice(1):before.replace(/,(?![\s\S])/,"")+after}var OPEN2="[\n",SEPARATOR=",\n",
CLOSE2="\n]\n",CHUNK2=1<<20,AHEAD=5,Assembly=(function(){function class_3(t,s,parts){var e_4,_a;this.table=t,this.selection=
s,this.parts=parts,this.size=OPEN2.length+CLOSE2.length-SEPARATOR.length;try{for(var _b=__values(s.rows),_c=_b.next();!_c.
done;_c=_b.next()){var row=_c.value;this.size+=t.sizes.at(row)+SEPARATOR.length}}catch(e_4_1){e_4={error:e_4_1}}finally{
try{_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{if(e_4)throw e_4.error}}this.length=s.kept.size===0?this.size:void 0,
this.reading=new SmallMap}return class_3.prototype.runs=function(){for(var _a=this,t=_a.table,selection=_a.selection,rows=selection.
rows,out=[],firsts=t.firstRows(),parts=t.catalog().part,i2=0,name=0;i2<rows.length;i2++){for(;firsts[name+1]<=rows[i2];)
name++;var part=parts[name];(out.length===0||out[out.length-1].part!==part)&&out.push({part:part,from:i2,to:i2}),out[out.
length-1].to=i2+1}return out},class_3.prototype.read=function(part){var reading=this.reading.get(part);return reading||(reading=
this.fetch(part),reading.catch(function(){}),this.reading.set(part,reading)),reading},class_3.prototype.fetch=function(part){
return __awaiter(this,void 0,void 0,function(){var digest,data,size;return __generator(this,function(_a){switch(_a.label){case 0:
return digest=this.table.head.catalog[part].digest,[4,this.parts.get(digest)];case 1:if(data=_a.sent(),size=this.table.catalog().
sizes[part],data.length!==size)throw new StoreError("part ".concat(digest,": ").concat(data.length," bytes, want ").concat(
size));return[2,data]}})})},class_3.prototype.begin=function(){return __awaiter(this,void 0,void 0,function(){return __generator(
this,function(_a){switch(_a.label){case 0:return[4,this.read(this.runs()[0].part)];case 1:return _a.sent(),[2]}})})},class_3.
prototype.chunks=function(){return __asyncGenerator(this,arguments,function(most){var runs,writer,_a,_b,_c,k,_d,part,from,
to,_e,_f,next,data,i2,e_5_1,e_5,_g,e_6,_h;return most===void 0&&(most=CHUNK2),__generator(this,function(_j){switch(_j.label){case 0:
runs=this.runs(),writer=new Writer(this.size,most),_j.label=1;case 1:_j.trys.push([1,10,11,12]),_a=__values(runs.entries()),
_b=_a.next(),_j.label=2;case 2:if(_b.done)return[3,9];_c=__read(_b.value,2),k=_c[0],_d=_c[1],part=_d.part,from=_d.from,to=
_d.to;try{for(_e=(e_6=void 0,__values(runs.slice(k,k+1+AHEAD))),_f=_e.next();!_f.done;_f=_e.next())next=_f.value,this.read(
next.part)}catch(e_6_1){e_6={error:e_6_1}}finally{try{_f&&!_f.done&&(_h=_e.return)&&_h.call(_e)}finally{if(e_6)throw e_6.
error}}return[4,__await(this.read(part))];case 3:data=_j.sent(),this.reading.delete(part),i2=from,_j.label=4;case 4:return(i2=
this.fill(writer,data,i2,to))<to?[4,__await(writer.take())]:[3,8];case 5:return[4,_j.sent()];case 6:_j.sent(),_j.label=7;case 7:
return[3,4];case 8:return _b=_a.next(),[3,2];case 9:return[3,12];case 10:return e_5_1=_j.sent(),e_5={error:e_5_1},[3,12];case 11:
try{_b&&!_b.done&&(_g=_a.return)&&_g.call(_a)}finally{if(e_5)throw e_5.error}return[7];case 12:return writer.text(CLOSE2),
[4,__await(writer.take())];case 13:return[4,_j.sent()];case 14:return _j.sent(),[2]}})})},class_3.prototype.whole=function(){
return __awaiter(this,void 0,void 0,function(){var writer,_a,_b,_c,part,from,to,_d,_e,e_7_1,e_7,_f;return __generator(this,
function(_g){switch(_g.label){case 0:writer=new Writer(this.size,this.size),_g.label=1;case 1:_g.trys.push([1,6,7,8]),_a=
__values(this.runs()),_b=_a.next(),_g.label=2;case 2:return _b.done?[3,5]:(_c=_b.value,part=_c.part,from=_c.from,to=_c.to,
_d=this.fill,_e=[writer],[4,this.read(part)]);case 3:_d.apply(this,_e.concat([_g.sent(),from,to])),_g.label=4;case 4:return _b=
_a.next(),[3,2];case 5:return[3,8];case 6:return e_7_1=_g.sent(),e_7={error:e_7_1},[3,8];case 7:try{_b&&!_b.done&&(_f=_a.
return)&&_f.call(_a)}finally{if(e_7)throw e_7.error}return[7];case 8:return writer.text(CLOSE2),[2,writer.take()]}})})},
class_3.prototype.fill=function(writer,data,i2,to){for(var _a=this,t=_a.table,selection=_a.selection,rows=selection.rows,
kept=selection.kept,firsts=t.firstRows(),offset=t.catalog().offset,name=t.nameOf(rows[i2]);i2<to;i2++){for(var row=rows[i2];firsts[name+
1]<=row;)name++;var size=t.sizes.at(row);if(writer.full(size))break;writer.text(i2===0?OPEN2:SEPARATOR),writeSummary(data,
offset[name],row-firsts[name],size,writer.buffer,writer.at);var keep=kept.size>0?kept.get(row):void 0;keep?writer.bytes(
toBytes(keepTemplates(fromBytes(writer.buffer,writer.at,writer.at+size),keep))):writer.at+=size}return i2},class_3})(),Writer=(function(){
function Writer2(rest,most){this.rest=rest,this.most=most,this.buffer=new Uint8Array(Math.min(rest,most)),this.at=0}return Writer2.
prototype.full=function(size){var need=SEPARATOR.length+size+CLOSE2.length;return this.at+need<=this.buffer.length?!1:this.
at>0?!0:(this.buffer=new Uint8Array(need),!1)},Writer2.prototype.take=function(){var out=this.buffer.subarray(0,this.at);
return this.rest-=this.at,this.buffer=new Uint8Array(Math.min(this.rest,this.most)),this.at=0,out},Writer2.prototype.text=
function(text){for(var i2=0;i2<text.length;i2++)this.buffer[this.at++]=text.charCodeAt(i2)},Writer2.prototype.bytes=function(bytes){
this.buffer.set(bytes,this.at),this.at+=bytes.length},Writer2})();function validPackageName(name){return/^[a-z0-9_]{1,200}(?![\s\S])/.
test(name)}function validSnapshot(id){return/^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}(?![\s\S])/.test(id)}function responseKey(digest){
return"responses/".concat(digest,".json")}function pageKey(digest){return"responses/".concat(digest,".page")}function partKey(digest){
return"responses/".concat(digest,".part")}var GZIP_SUFFIX=".gz",MIN_GZIP=1024;function digestOf(content,sha256){return __awaiter(
this,void 0,void 0,function(){var _a;return __generator(this,function(_b){switch(_b.label){case 0:return _a=hex,[4,sha256(
content)];case 1:return[2,_a.apply(void 0,[_b.sent(),16])]}})})}function hex(bytes,n){for(var out="",i2=0;i2<n;i2++)out+=
bytes[i2].toString(16).padStart(2,"0");return out}function prefix(r,sha256){return __awaiter(this,void 0,void 0,function(){
var _a,_b;return __generator(this,function(_c){switch(_c.label){case 0:return _b=(_a="packages/".concat(r.name,"/")).concat,
[4,escapeElement(r.version,sha256)];case 1:return[2,_b.apply(_a,[_c.sent(),"/"]).concat(r.id,"/")]}})})}function archiveKey(r,sha256){
return __awaiter(this,void 0,void 0,function(){var _a;return __generator(this,function(_b){switch(_b.label){case 0:return[
4,prefix(r,sha256)];case 1:return _a=_b.sent(),[4,escapeElement("".concat(r.name,"-").concat(r.version,".zip"),sha256)];case 2:
return[2,_a+_b.sent()]}})})}function signatureKey(r,sha256){return __awaiter(this,void 0,void 0,function(){return __generator(
this,function(_a){switch(_a.label){case 0:return[4,archiveKey(r,sha256)];case 1:return[2,_a.sent()+".sig"]}})})}function contentsKey(r,sha256){
return __awaiter(this,void 0,void 0,function(){return __generator(this,function(_a){switch(_a.label){case 0:return[4,prefix(
r,sha256)];case 1:return[2,_a.sent()+"contents.json"]}})})}function fileKey(r,path,sha256){return __awaiter(this,void 0,
void 0,function(){var elements;return __generator(this,function(_a){switch(_a.label){case 0:return[4,Promise.all(path.split(
"/").map(function(e){return escapeElement(e,sha256)}))];case 1:return elements=_a.sent(),[4,prefix(r,sha256)];case 2:return[
2,_a.sent()+"files/"+elements.join("/")]}})})}var LONGEST=220,ABBREVIATED=160;function escapeElement(element,sha256){return __awaiter(
this,void 0,void 0,function(){var s,cut,_a,_b;return __generator(this,function(_c){switch(_c.label){case 0:return s=element.
replace(/[^A-Za-z0-9._,-]/g,function(c){return"="+c.charCodeAt(0).toString(16).toUpperCase().padStart(2,"0")}),/^\.*(?![\s\S])/.
test(element)?s=s.replaceAll(".","=2E"):s=s.replace(/\.attrs(?![\s\S])/,"=2Eattrs"),s.length<=LONGEST?[2,s]:(cut=s[ABBREVIATED-
1]==="="?ABBREVIATED-1:s[ABBREVIATED-2]==="="?ABBREVIATED-2:ABBREVIATED,_a=s.slice(0,cut)+"=-",_b=hex,[4,sha256(toBytes(
element))]);case 1:return[2,_a+_b.apply(void 0,[_c.sent(),16])]}})})}function bodyLength(pieces){var e_8,_a,n=0;try{for(var pieces_1=__values(
pieces),pieces_1_1=pieces_1.next();!pieces_1_1.done;pieces_1_1=pieces_1.next()){var p=pieces_1_1.value;if(p.length===void 0)
return;n+=p.length}}catch(e_8_1){e_8={error:e_8_1}}finally{try{pieces_1_1&&!pieces_1_1.done&&(_a=pieces_1.return)&&_a.call(
pieces_1)}finally{if(e_8)throw e_8.error}}return n}function missing(key,_a){var forbidden=_a.forbidden,why=forbidden!=null&&
forbidden.has(key)?"the store says 403: its credentials are missing or wrong, may not read this, or it is not there":"is\
 not there";return new StoreError("".concat(key,": ").concat(why))}function readObject(key,bucket){return __awaiter(this,
void 0,void 0,function(){var bytes;return __generator(this,function(_a){switch(_a.label){case 0:return[4,bucket.read(key)];case 1:
if(bytes=_a.sent(),!bytes)throw missing(key,bucket);return[2,bytes]}})})}function readNamed(key,digest,bucket,sha256){return __awaiter(
this,void 0,void 0,function(){var _a,_b;return __generator(this,function(_c){switch(_c.label){case 0:return _a=named,_b=
[key,digest],[4,readObject(key,bucket)];case 1:return[2,_a.apply(void 0,_b.concat([_c.sent(),sha256]))]}})})}function named(key,digest,content,sha256){
return __awaiter(this,void 0,void 0,function(){return __generator(this,function(_a){switch(_a.label){case 0:return[4,digestOf(
content,sha256)];case 1:if(_a.sent()!==digest)throw new StoreError("".concat(key,": its content is another's"));return[2,
content]}})})}function open(part,bucket){return __awaiter(this,void 0,void 0,function(){var opened,_a,_b;return __generator(
this,function(_c){switch(_c.label){case 0:return(_b=part.opened)!==null&&_b!==void 0?(_a=_b,[3,3]):[3,1];case 1:return[4,
bucket.open(part.key,part.offset,part.length)];case 2:_a=_c.sent(),_c.label=3;case 3:if(opened=_a,!opened)throw missing(
part.key,bucket);return checkSize(part.key,opened.size,part.length),[2,opened]}})})}function checkSize(key,size,want){if(size!==
null&&want!==void 0&&size!==want)throw new StoreError("".concat(key,": ").concat(size," bytes, want ").concat(want))}function read(pieces,bucket,most){
return __asyncGenerator(this,arguments,function(){var pieces_2,pieces_2_1,piece,body,e_9_1,e_9,_a;return __generator(this,
function(_b){switch(_b.label){case 0:_b.trys.push([0,13,14,15]),pieces_2=__values(pieces),pieces_2_1=pieces_2.next(),_b.
label=1;case 1:return pieces_2_1.done?[3,12]:(piece=pieces_2_1.value,piece instanceof Uint8Array?[4,__await(piece)]:[3,4]);case 2:
return[4,_b.sent()];case 3:return _b.sent(),[3,11];case 4:return piece instanceof Assembly?[5,__values(__asyncDelegator(
__asyncValues(piece.chunks(most))))]:[3,7];case 5:return[4,__await.apply(void 0,[_b.sent()])];case 6:return _b.sent(),[3,
11];case 7:return[4,__await(open(piece,bucket))];case 8:return body=_b.sent().body,[5,__values(__asyncDelegator(__asyncValues(
whole(chunks(body),piece))))];case 9:return[4,__await.apply(void 0,[_b.sent()])];case 10:_b.sent(),_b.label=11;case 11:return pieces_2_1=
pieces_2.next(),[3,1];case 12:return[3,15];case 13:return e_9_1=_b.sent(),e_9={error:e_9_1},[3,15];case 14:try{pieces_2_1&&
!pieces_2_1.done&&(_a=pieces_2.return)&&_a.call(pieces_2)}finally{if(e_9)throw e_9.error}return[7];case 15:return[2]}})})}
function whole(chunks2,part){return __asyncGenerator(this,arguments,function(){var key,_a,length,n,_b,chunks2_1,chunks2_1_1,
chunk,e_10_1,_c,e_10,_d,_e;return __generator(this,function(_f){switch(_f.label){case 0:key=part.key,_a=part.length,length=
_a===void 0?1/0:_a,n=0,_f.label=1;case 1:_f.trys.push([1,8,9,14]),_b=!0,chunks2_1=__asyncValues(chunks2),_f.label=2;case 2:
return[4,__await(chunks2_1.next())];case 3:if(chunks2_1_1=_f.sent(),_c=chunks2_1_1.done,!!_c)return[3,7];if(_e=chunks2_1_1.
value,_b=!1,chunk=_e,n+=chunk.length,n>length)throw new StoreError("".concat(key,": more than the ").concat(length," byt\
es that it is to have"));return[4,__await(chunk)];case 4:return[4,_f.sent()];case 5:_f.sent(),_f.label=6;case 6:return _b=
!0,[3,2];case 7:return[3,14];case 8:return e_10_1=_f.sent(),e_10={error:e_10_1},[3,14];case 9:return _f.trys.push([9,,12,
13]),!_b&&!_c&&(_d=chunks2_1.return)?[4,__await(_d.call(chunks2_1))]:[3,11];case 10:_f.sent(),_f.label=11;case 11:return[
3,13];case 12:if(e_10)throw e_10.error;return[7];case 13:return[7];case 14:return checkSize(key,n,part.length),[2]}})})}
var CHUNK3=262144;function chunks(stream){return __asyncGenerator(this,arguments,function(){var reader,_a,r,_b,_c;return __generator(
this,function(_d){switch(_d.label){case 0:return _d.trys.push([0,1,,5]),reader=stream.getReader({mode:"byob"}),[3,5];case 1:
return _a=_d.sent(),[5,__values(__asyncDelegator(__asyncValues(smallChunks(stream.getReader()))))];case 2:return[4,__await.
apply(void 0,[_d.sent()])];case 3:return _d.sent(),[4,__await(void 0)];case 4:return[2,_d.sent()];case 5:_d.trys.push([5,
,14,16]),_d.label=6;case 6:return[4,__await(reader.read(new Uint8Array(CHUNK3),{min:CHUNK3}))];case 7:return r=_d.sent(),
!((_b=r.value)===null||_b===void 0)&&_b.length?[4,__await(r.value)]:[3,10];case 8:return[4,_d.sent()];case 9:_d.sent(),_d.
label=10;case 10:return r.done||!(!((_c=r.value)===null||_c===void 0)&&_c.length)?[4,__await(void 0)]:[3,12];case 11:return[
2,_d.sent()];case 12:return[3,6];case 13:return[3,16];case 14:return[4,__await(reader.cancel().catch(function(){}))];case 15:
return _d.sent(),[7];case 16:return[2]}})})}function smallChunks(reader){return __asyncGenerator(this,arguments,function(){
var r;return __generator(this,function(_a){switch(_a.label){case 0:return _a.trys.push([0,,8,10]),[4,__await(reader.read())];case 1:
r=_a.sent(),_a.label=2;case 2:return r.done?[3,7]:[4,__await(r.value)];case 3:return[4,_a.sent()];case 4:_a.sent(),_a.label=
5;case 5:return[4,__await(reader.read())];case 6:return r=_a.sent(),[3,2];case 7:return[3,10];case 8:return[4,__await(reader.
cancel().catch(function(){}))];case 9:return _a.sent(),[7];case 10:return[2]}})})}function readAll(pieces,bucket){return __awaiter(
this,void 0,void 0,function(){var parts,size,_a,_b,_c,part,e_11_1,out,at,parts_1,parts_1_1,part,e_12,_d,_e,e_11,_f,_g;return __generator(
this,function(_h){switch(_h.label){case 0:parts=[],size=0,_h.label=1;case 1:_h.trys.push([1,6,7,12]),_a=!0,_b=__asyncValues(
read(pieces,bucket,1/0)),_h.label=2;case 2:return[4,_b.next()];case 3:if(_c=_h.sent(),_e=_c.done,!!_e)return[3,5];_g=_c.
value,_a=!1,part=_g,parts.push(part.length<part.buffer.byteLength/2?part.slice():part),size+=part.length,_h.label=4;case 4:
return _a=!0,[3,2];case 5:return[3,12];case 6:return e_11_1=_h.sent(),e_11={error:e_11_1},[3,12];case 7:return _h.trys.push(
[7,,10,11]),!_a&&!_e&&(_f=_b.return)?[4,_f.call(_b)]:[3,9];case 8:_h.sent(),_h.label=9;case 9:return[3,11];case 10:if(e_11)
throw e_11.error;return[7];case 11:return[7];case 12:if(parts.length===1)return[2,parts[0]];out=new Uint8Array(size),at=
0;try{for(parts_1=__values(parts),parts_1_1=parts_1.next();!parts_1_1.done;parts_1_1=parts_1.next())part=parts_1_1.value,
out.set(part,at),at+=part.length}catch(e_12_1){e_12={error:e_12_1}}finally{try{parts_1_1&&!parts_1_1.done&&(_d=parts_1.return)&&
_d.call(parts_1)}finally{if(e_12)throw e_12.error}}return[2,out]}})})}var SHORT=new SmallMap([[8,"\\b"],[9,"\\t"],[10,"\\\
n"],[12,"\\f"],[13,"\\r"],[34,'\\"'],[92,"\\\\"]]);function jsonString(text){var e_13,_a;if(/^[ !#-[\]-~]*(?![\s\S])/.test(
text))return'"'.concat(text,'"');var out='"';try{for(var _b=__values(runes(text)),_c=_b.next();!_c.done;_c=_b.next()){var _d=_c.
value,code=_d.code,valid=_d.valid,bytes=_d.bytes;valid?SHORT.has(code)?out+=SHORT.get(code):code<32||code===8232||code===
8233?out+="\\u"+code.toString(16).padStart(4,"0"):out+=bytes:out+="\\ufffd"}}catch(e_13_1){e_13={error:e_13_1}}finally{try{
_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{if(e_13)throw e_13.error}}return out+'"'}var decoder=new TextDecoder;function parseJSON(bytes,end){
end===void 0&&(end="");var text=decoder.decode(bytes)+end;return/[^\0-\x7f]|\\u/.test(text)?JSON.parse(text,function(_,value){
return typeof value=="string"?utf8(value):value}):JSON.parse(text)}function count(t,s,includeTemplates){var e_14,_a,_b,_c,
counts=new SmallMap,_loop_1=function(label2,template2,n2){var own2=(_b=t.head.labels[label2])!==null&&_b!==void 0?_b:[],
add=function(c){var _a2;return counts.set(c,((_a2=counts.get(c))!==null&&_a2!==void 0?_a2:0)+n2)};own2.forEach(add),includeTemplates&&
countTemplates(t,own2,(_c=t.head.templates[template2])!==null&&_c!==void 0?_c:[],add)};try{for(var _d=__values(alike(t,s.
rows)),_e=_d.next();!_e.done;_e=_d.next()){var _f=_e.value,label=_f.label,template=_f.template,n=_f.n;_loop_1(label,template,
n)}}catch(e_14_1){e_14={error:e_14_1}}finally{try{_e&&!_e.done&&(_a=_d.return)&&_a.call(_d)}finally{if(e_14)throw e_14.error}}
var entries=__spreadArray([],__read(counts.keys()),!1).sort().map(function(id){return entry(t,id,counts.get(id))});return entries.
length===0?"[]\n":"[\n"+entries.join(",\n")+"\n]\n"}function alike(t,rows){var e_15,_a,groups=new SmallMap;try{for(var rows_1=__values(
rows),rows_1_1=rows_1.next();!rows_1_1.done;rows_1_1=rows_1.next()){var row=rows_1_1.value,label=t.label.at(row),template=t.
template.at(row),key=label*t.head.templates.length+template,group=groups.get(key);group?group.n++:groups.set(key,{label:label,
template:template,n:1})}}catch(e_15_1){e_15={error:e_15_1}}finally{try{rows_1_1&&!rows_1_1.done&&(_a=rows_1.return)&&_a.
call(rows_1)}finally{if(e_15)throw e_15.error}}return groups.values()}function countTemplates(t,own2,templates,add){var e_16,
_a,e_17,_b,met=new SmallSet;try{for(var templates_1=__values(templates),templates_1_1=templates_1.next();!templates_1_1.
done;templates_1_1=templates_1.next()){var categories=templates_1_1.value.categories;if(categories===null&&templates.length===
1)return;own2.forEach(add);try{for(var _c=(e_17=void 0,__values(categories!=null?categories:[])),_d=_c.next();!_d.done;_d=
_c.next()){var c=_d.value;!met.has(c)&&!t.hasCategory(own2,c)&&add(c),met.add(c),add(c)}}catch(e_17_1){e_17={error:e_17_1}}finally{
try{_d&&!_d.done&&(_b=_c.return)&&_b.call(_c)}finally{if(e_17)throw e_17.error}}}}catch(e_16_1){e_16={error:e_16_1}}finally{
try{templates_1_1&&!templates_1_1.done&&(_a=templates_1.return)&&_a.call(templates_1)}finally{if(e_16)throw e_16.error}}}
function entry(t,id,n){var _a,known=t.titles.get(id),fields=['"id": '.concat(jsonString(id)),'"title": '.concat(jsonString(
known?known.title:id)),'"count": '.concat(n)];if(known!=null&&known.parent){fields.push('"parent_id": '.concat(jsonString(
known.parent)));var title=(_a=t.titles.get(known.parent))===null||_a===void 0?void 0:_a.title;title&&fields.push('"paren\
t_title": '.concat(jsonString(title)))}return"  {\n    "+fields.join(",\n    ")+"\n  }"}var BASE64="AAABAAEAEBAAAAEAIABo\
BAAAFgAAACgAAAAQAAAAIAAAAAEAIAAAAAAAQAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEE3NP9BNzT/QTc0/0E3NP9BNzT/QTc0\
/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/wAAAAAAAAAAAAAAAAAAAABBNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP8A\
AAAAAAAAAAAAAAAAAAAAQTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/QTc0/0E3NP9BNzT/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADMdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/M\
dwD/zHcA/8x3AP8AAAAAAAAAAAAAAAAAAAAAzHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/AAAAAAAAAAAAAAAAAAAA\
AMx3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/8x3AP/MdwD/zHcA/wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAs78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/AAAA\
AAAAAAAAAAAAAAAAALO/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/wAAAAAAAAAAAAAAAAAAAACzvwD/s78A/7O/AP+z\
vwD/s78A/7O/AP+zvwD/s78A/7O/AP+zvwD/s78A/7O/AP8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",ICON=Uint8Array.from(atob(BASE64),function(c){
return c.charCodeAt(0)}),LIVE_PATH="-/live.json",FORMAT=1;function unknownLive(environment){return toBytes(members({format:FORMAT,
environment:environment})+"\n")}function members(of){var e_18,_a,out=[];try{for(var _b=__values(Object.entries(of)),_c=_b.
next();!_c.done;_c=_b.next()){var _d=__read(_c.value,2),name=_d[0],value=_d[1];if(value){var json=typeof value=="object"?
value.json:typeof value=="string"?jsonString(value):String(value);out.push('"'.concat(name,'":').concat(json))}}}catch(e_18_1){
e_18={error:e_18_1}}finally{try{_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{if(e_18)throw e_18.error}}return"{".concat(
out.join(","),"}")}var SHORT2=new SmallMap([[7,"\\a"],[8,"\\b"],[9,"\\t"],[10,"\\n"],[11,"\\v"],[12,"\\f"],[13,"\\r"],[34,
'\\"'],[92,"\\\\"]]);function quote(text){var e_19,_a,out='"';try{for(var _b=__values(runes(text)),_c=_b.next();!_c.done;_c=
_b.next()){var _d=_c.value,code=_d.code,valid=_d.valid,bytes=_d.bytes;valid?SHORT2.has(code)?out+=SHORT2.get(code):printable(
code)?out+=bytes:code<32||code===127?out+="\\x"+hex2(code,2):code<65536?out+="\\u"+hex2(code,4):out+="\\U"+hex2(code,8):
out+="\\x"+hex2(bytes.charCodeAt(0),2)}}catch(e_19_1){e_19={error:e_19_1}}finally{try{_c&&!_c.done&&(_a=_b.return)&&_a.call(
_b)}finally{if(e_19)throw e_19.error}}return out+'"'}function printable(code){return code<127?code>=32:/[\p{L}\p{M}\p{N}\p{P}\p{S}]/.
test(String.fromCodePoint(code))}function hex2(n,digits){return n.toString(16).padStart(digits,"0")}var VersionError=(function(_super){
__extends(VersionError2,_super);function VersionError2(){return _super!==null&&_super.apply(this,arguments)||this}return VersionError2})(
SmallError),LOOSE=/^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?![\s\S])/,
STRICT=/^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?![\s\S])/,
LONGEST2=256,LARGEST="18446744073709551615";function parseVersion(text){var _a,_b;if(text.length>LONGEST2)throw new VersionError(
"version string is too long (max 256 bytes)");var m=LOOSE.exec(text);if(!m)throw new VersionError("invalid semantic vers\
ion");var _c=__read([m[1],(_a=m[2])!==null&&_a!==void 0?_a:"0",(_b=m[3])!==null&&_b!==void 0?_b:"0"].map(function(digits){
if(!fits(digits))throw new VersionError('error parsing version segment: strconv.ParseUint: parsing "'.concat(digits,'": \
value out of range'));return plain(digits)}),3),major=_c[0],minor=_c[1],patch=_c[2],pre=m[4]?m[4].split("."):[];if(pre.some(
leadingZero))throw new VersionError("version segment starts with 0");return{major:major,minor:minor,patch:patch,pre:pre}}
function isStrict(text){return strict(text)!==null}function parseStrict(text){var v=strict(text);if(!v)throw new VersionError(
"".concat(text," is not a semantic version"));return v}function strict(text){var m=text.length>LONGEST2?null:STRICT.exec(
text);if(!m||!fits(m[1])||!fits(m[2])||!fits(m[3]))return null;var pre=m[4]?m[4].split("."):[];return pre.some(leadingZero)?
null:{major:m[1],minor:m[2],patch:m[3],pre:pre}}function leadingZero(part){return part.length>1&&part[0]==="0"&&/^[0-9]+(?![\s\S])/.
test(part)}function plain(digits){return digits.replace(/^0+(?=.)/,"")}function fits(digits){return compareNumbers(plain(
digits),LARGEST)<=0}function compareNumbers(a,b){return a.length!==b.length?a.length-b.length:a===b?0:a<b?-1:1}function compare(a,b){
var _a,_b,d=compareNumbers(a.major,b.major)||compareNumbers(a.minor,b.minor)||compareNumbers(a.patch,b.patch);if(d!==0)return d;
if(a.pre.length===0||b.pre.length===0)return b.pre.length-a.pre.length;for(var i2=0;i2<Math.max(a.pre.length,b.pre.length);i2++){
var d2=comparePart((_a=a.pre[i2])!==null&&_a!==void 0?_a:"",(_b=b.pre[i2])!==null&&_b!==void 0?_b:"");if(d2!==0)return d2}
return 0}function comparePart(a,b){if(a===b)return 0;if(a===""||b==="")return a===""?-1:1;var numberA=isNumber(a),numberB=isNumber(
b);return numberA&&numberB?compareNumbers(plain(a),plain(b)):numberA!==numberB?numberA?-1:1:a<b?-1:1}function isNumber(part){
return/^[0-9]+(?![\s\S])/.test(part)&&fits(part)}function parseTarget(target){if(target==="*")return{path:"*",query:"",forceQuery:!1};
if(target[0]!=="/"||/[\0-\x20\x7f]/.test(target))return null;var at=target.indexOf("?"),path=unescape(at<0?target:target.
slice(0,at));return path===null?null:{path:path,query:at<0?"":target.slice(at+1),forceQuery:at>=0&&at===target.length-1}}
function unescape(text){return text.includes("%")?/%(?![0-9A-Fa-f]{2})/.test(text)?null:text.replace(/%(..)/g,function(_,hex3){
return String.fromCharCode(parseInt(hex3,16))}):text}function parseQuery(query2){var e_20,_a,values=new SmallMap;try{for(var _b=__values(
query2.split("&")),_c=_b.next();!_c.done;_c=_b.next()){var pair=_c.value;if(!(pair===""||pair.includes(";"))){var at=pair.
indexOf("="),key=unescape((at<0?pair:pair.slice(0,at)).replaceAll("+"," ")),value=unescape((at<0?"":pair.slice(at+1)).replaceAll(
"+"," "));if(!(key===null||value===null)){var list=values.get(key);list?list.push(value):values.set(key,[value])}}}}catch(e_20_1){
e_20={error:e_20_1}}finally{try{_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{if(e_20)throw e_20.error}}return values}
function location(target,path){var escaped=path.replace(/[^A-Za-z0-9\-_.~$&+,/:;=@]/g,function(c){return"%"+c.charCodeAt(
0).toString(16).toUpperCase().padStart(2,"0")});return escaped+(target.forceQuery||target.query!==""?"?"+target.query:"")}
function escapeBytes(url){return url.replace(/[\x80-\xff]/g,function(c){return"%"+c.charCodeAt(0).toString(16)})}function cleanPath(path){
var e_21,_a,kept=[];try{for(var _b=__values(path.split("/")),_c=_b.next();!_c.done;_c=_b.next()){var element=_c.value;element===
".."?kept.pop():element!==""&&element!=="."&&kept.push(element)}}catch(e_21_1){e_21={error:e_21_1}}finally{try{_c&&!_c.done&&
(_a=_b.return)&&_a.call(_b)}finally{if(e_21)throw e_21.error}}var clean="/"+kept.join("/");return path.endsWith("/")&&clean!==
"/"?clean+"/":clean}var QueryError=(function(_super){__extends(QueryError2,_super);function QueryError2(){return _super!==
null&&_super.apply(this,arguments)||this}return QueryError2})(SmallError);function parseQuery2(raw,counting){var _a,values=parseQuery(
raw),get=function(name){var _a2,_b;return(_b=(_a2=values.get(name))===null||_a2===void 0?void 0:_a2[0])!==null&&_b!==void 0?
_b:""},flag=function(name){return parseBool(name,get(name))},kibana=version(get("kibana.version"),"Kibana"),agent=version(
get("agent.version"),"agent"),specMin=specBound(get("spec.min"),"spec.min"),specMax=specBound(get("spec.max"),"spec.max"),
capabilities=get("capabilities"),discovery=((_a=values.get("discovery"))!==null&&_a!==void 0?_a:[]).map(discoveryFilter);
return{counting:counting,kibana:kibana,agent:agent,specMin:specMin,specMax:specMax,capabilities:capabilities===""?null:capabilities.
split(","),discovery:discovery,prerelease:flag("prerelease"),experimental:flag("experimental"),includePolicyTemplates:counting&&
flag("include_policy_templates"),all:!counting&&flag("all"),category:counting?"":get("category"),package:counting?"":get(
"package"),type:counting?"":get("type")}}function read2(text,prefix2){try{return parseVersion(text)}catch(e){throw e instanceof
VersionError?new QueryError(prefix2+e.message):e}}function version(text,whose){return text===""?null:read2(text,"invalid\
 ".concat(whose," version '").concat(text,"': "))}function specBound(text,name){if(text==="")return null;if(text.split("\
.").length!==2)throw new QueryError("invalid '".concat(name,"' version: invalid version '").concat(text,"': it should be\
 <major.version>"));return read2(text,"invalid '".concat(name,"' version: invalid spec version '").concat(text,"': "))}function discoveryFilter(text){
var at=text.indexOf(":"),kind=text.slice(0,Math.max(0,at));if(kind==="fields"||kind==="datasets")return{kind:kind,list:text.
slice(at+1).split(",")};var why=at<0?"could not parse filter ".concat(quote(text)):"unknown discovery filter ".concat(quote(
kind));throw new QueryError("invalid 'discovery' query param: '".concat(text,"': ").concat(why))}var TRUE=new SmallSet([
"1","t","T","TRUE","true","True"]),FALSE=new SmallSet(["","0","f","F","FALSE","false","False"]);function parseBool(name,text){
if(TRUE.has(text))return!0;if(FALSE.has(text))return!1;throw new QueryError("invalid '".concat(name,"' query param: '").
concat(text,"'"))}var RangeTest=(function(){function RangeTest2(ranges){this.release=bounds(ranges.release),this.pre=bounds(
ranges.pre)}return RangeTest2.prototype.accepts=function(v){var list=v.pre.length>0?this.pre:this.release;return list.some(
function(b){return compare(v,b.from)>=0&&(b.to===null||compare(v,b.to)<0)})},RangeTest2})();function bounds(list){return list===
void 0&&(list=[]),list.map(function(_a){var from=_a.from,to=_a.to;return{from:parseStrict(from),to:to?parseStrict(to):null}})}
for(var ROUTES_FORMAT=5,OLDEST_FORMAT=3,DIGEST=32,REVISION=20,LINE_BREAK=10,EXPERIMENTAL=1,SIGNED=2,PRERELEASE=4,UNSTABLE=8,
SAME=16,FLAGS=32,DIGITS=new Uint8Array(128),i=0;i<64;i++)DIGITS["ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012\
3456789-_".charCodeAt(i)]=i;var RoutesError=(function(_super){__extends(RoutesError2,_super);function RoutesError2(){return _super!==
null&&_super.apply(this,arguments)||this}return RoutesError2})(SmallError),Numbers=(function(){function Numbers2(data,span,rows){
if(this.data=data,this.from=span.from,this.width=rows===0?0:(span.to-span.from)/rows,!Number.isInteger(this.width))throw new RoutesError(
"routes: a column is not as long as the others")}return Numbers2.prototype.at=function(row){for(var _a=this,data=_a.data,
width=_a.width,i2=this.from+row*width,n=DIGITS[data[i2]],end=i2+width;++i2<end;)n=n*64+DIGITS[data[i2]];return n},Numbers2})(),
Table=(function(){function class_4(data){var e_22,_a,_this=this,_b,_c=lines(data),head=_c.head,columns=_c.columns;this.data=
data,this.head=head;var span=function(name){return columns.get(name)};this.packages=head.packages,this.nameSpan=span("na\
mes"),this.starts=new Numbers(data,span("starts"),this.packages),this.places=new Numbers(data,span("places"),this.packages),
this.blocks=new Numbers(data,span("blocks"),this.packages),this.versions=span("versions"),this.revisions=span("revisions").
from,this.documents=span("documents").from,this.summaries=span("summaries"),this.rows=(this.summaries.to-this.summaries.
from)/DIGEST;var numbers=function(name){return new Numbers(data,span(name),_this.rows)};this.flags=numbers("flags"),this.
kibana=numbers("kibana"),this.agent=numbers("agent"),this.spec=numbers("spec"),this.type=numbers("type"),this.capability=
numbers("capability"),this.label=numbers("label"),this.template=numbers("template"),this.discovery=numbers("discovery"),
this.sizes=numbers("sizes"),this.titles=new SmallMap,this.children=new SmallMap;try{for(var _d=__values(head.categories),
_e=_d.next();!_e.done;_e=_d.next()){var c=_e.value;this.titles.set(c.id,c),c.parent&&this.children.set(c.parent,__spreadArray(
__spreadArray([],__read((_b=this.children.get(c.parent))!==null&&_b!==void 0?_b:[]),!1),[c.id],!1))}}catch(e_22_1){e_22=
{error:e_22_1}}finally{try{_e&&!_e.done&&(_a=_d.return)&&_a.call(_d)}finally{if(e_22)throw e_22.error}}this.tests=[],this.
nameList=null,this.catalogPlaces=null,this.firsts=null}return class_4.prototype.test=function(constraint){var _a,_b;return(_a=
(_b=this.tests)[constraint])!==null&&_a!==void 0?_a:_b[constraint]=new RangeTest(this.head.constraints[constraint])},class_4.
prototype.names=function(){var _a;return(_a=this.nameList)!==null&&_a!==void 0?_a:this.nameList=fromBytes(this.data,this.
nameSpan.from,this.nameSpan.to).split(" ")},class_4.prototype.nameIndex=function(name){for(var names=this.names(),low=0,
high=names.length;low<high;){var middle=low+high>>1;names[middle]<name?low=middle+1:high=middle}return names[low]===name?
low:-1},class_4.prototype.versionsOf=function(i2){var _a=this.versions,from=_a.from,to=_a.to,end=i2+1<this.packages?from+
this.places.at(i2+1)-1:to;return fromBytes(this.data,from+this.places.at(i2),end).split(" ")},class_4.prototype.nameOf=function(row){
for(var low=0,high=this.packages;high-low>1;){var middle=low+high>>1;this.starts.at(middle)<=row?low=middle:high=middle}
return low},class_4.prototype.catalog=function(){var e_23,_a;if(this.catalogPlaces)return this.catalogPlaces;var part=new Uint32Array(
this.packages),offset=new Uint32Array(this.packages),sizes=[],i2=0;try{for(var _b=__values(this.head.catalog),_c=_b.next();!_c.
done;_c=_b.next()){for(var names=_c.value.names,size=0,end=i2+names;i2<end;i2++)part[i2]=sizes.length,offset[i2]=size,size+=
this.blocks.at(i2);sizes.push(size)}}catch(e_23_1){e_23={error:e_23_1}}finally{try{_c&&!_c.done&&(_a=_b.return)&&_a.call(
_b)}finally{if(e_23)throw e_23.error}}return this.catalogPlaces={part:part,offset:offset,sizes:sizes}},class_4.prototype.
firstRows=function(){if(this.firsts)return this.firsts;for(var firsts=new Uint32Array(this.packages+1),i2=0;i2<this.packages;i2++)
firsts[i2]=this.starts.at(i2);return firsts[this.packages]=this.rows,this.firsts=firsts},class_4.prototype.find=function(name,version2){
var i2=this.nameIndex(name);if(i2<0)return-1;var k=this.versionsOf(i2).indexOf(version2);return k<0?-1:this.starts.at(i2)+
k},class_4.prototype.revision=function(row){var at=this.revisions+row*REVISION;return fromBytes(this.data,at,at+REVISION)},
class_4.prototype.document=function(row){var at=this.documents+row*DIGEST;return fromBytes(this.data,at,at+DIGEST)},class_4.
prototype.hasCategory=function(set,category){var _a;return set?set.includes(category)||((_a=this.children.get(category))!==
null&&_a!==void 0?_a:[]).some(function(c){return set.includes(c)}):!1},class_4})(),COLUMNS=__spreadArray(__spreadArray([],
["names","starts","places","blocks","versions","flags","kibana","agent","spec","type","capability","label"],!1),["templa\
te","discovery","sizes","revisions","documents","summaries"],!1);function lines(data){var _a,end=Math.max(0,data.indexOf(
LINE_BREAK)-1),format=(_a=/^\{"format":([0-9]+),/.exec(fromBytes(data,0,Math.min(end,32))))===null||_a===void 0?void 0:_a[1];
if(!(Number(format)>=OLDEST_FORMAT&&Number(format)<=ROUTES_FORMAT))throw new RoutesError("routes: format ".concat(format,
" is not known to this edge (want ").concat(ROUTES_FORMAT,"): make its bundle anew"));var head=parseJSON(data.subarray(0,
end),"}"),columns=new SmallMap,at=end;if(COLUMNS.forEach(function(name,i2){var from=at+',\n"'.concat(name,'":"').length;
at=from+head.lengths[i2]+1,columns.set(name,{from:from,to:at-1})}),data.length!==at+2)throw new RoutesError("routes: ".concat(
data.length," bytes, want ").concat(at+2));return{head:head,columns:columns}}var PASSES=1,FAILS=2;function filter(t,q){var head=t.
head,tests=[],add=function(column,values,passes){var from=column.from,width=column.width;tests.push({column:column,from:from,
width:width,passes:passes,known:new Uint8Array(width>2?values:1<<7*width)})};q.type!==""&&add(t.type,head.types.length,function(i2){
return head.types[i2]===q.type}),!q.experimental&&!q.prerelease&&add(t.flags,FLAGS,function(flags){return(flags&(PRERELEASE|
EXPERIMENTAL))===0});var kibana=q.kibana,agent=q.agent,specMin=q.specMin,specMax=q.specMax,capabilities=q.capabilities,discovery=q.
discovery;kibana&&add(t.kibana,head.constraints.length,function(i2){return accepts(t,i2,kibana)}),q.experimental||(agent&&
add(t.agent,head.constraints.length,function(i2){return accepts(t,i2,agent)}),(specMin||specMax)&&add(t.spec,head.specs.
length,function(i2){return within(head.specs[i2],specMin,specMax)}),capabilities&&add(t.capability,head.capabilities.length,
function(i2){var _a;return((_a=head.capabilities[i2])!==null&&_a!==void 0?_a:[]).every(function(c){return capabilities.includes(
c)})}),discovery.length>0&&add(t.discovery,head.discoveries.length,function(i2){return discovery.every(function(f){return matches(
f,head.discoveries[i2])})}));var data=t.data;return function(row){for(var i2=0;i2<tests.length;i2++){var _a=tests[i2],from=_a.
from,width=_a.width,known=_a.known,column=_a.column,at=from+row*width,digits=width===1?data[at]:width===2?data[at]<<7|data[at+
1]:column.at(row),k=known[digits]||(known[digits]=tests[i2].passes(column.at(row))?PASSES:FAILS);if(k===FAILS)return!1}return!0}}
function accepts(t,constraint,v){return constraint===0||t.test(constraint).accepts(v)}function within(spec,least,most){var v={
major:String(spec.major),minor:String(spec.minor),patch:"0",pre:[]};return(!least||compare(v,least)>=0)&&(!most||compare(
v,most)<=0)}function matches(f,d){var _a,_b,_c;return f.kind==="datasets"?((_a=d.datasets)!==null&&_a!==void 0?_a:[]).some(
function(s){return f.list.includes(s)}):((_b=d.fields)!==null&&_b!==void 0?_b:[]).length>0&&((_c=d.fields)!==null&&_c!==
void 0?_c:[]).every(function(s){return f.list.includes(s)})}function select(t,q){return pick(t,newest(t,q),q.category)}function newest(t,q){
var passes=filter(t,q),yielding=q.all?UNSTABLE:PRERELEASE,preferred=function(row2){return passes(row2)&&(t.flags.at(row2)&
yielding)===0},out=[],one=q.package===""?-1:t.nameIndex(q.package);if(q.package!==""&&one<0)return out;for(var firsts=t.
firstRows(),end=q.package===""?t.packages:one+1,i2=Math.max(0,one);i2<end;i2++){var from=firsts[i2],to=firsts[i2+1],best=q.
experimental&&last(t,from,to,preferred)>=0?preferred:passes;if(q.all)for(var row=from;row<to;row++)best(row)&&out.push(row);else{
var row=last(t,from,to,best);row>=0&&out.push(row)}}return out}function last(t,from,to,passes){for(var row=to-1;row>=from&&
!passes(row);)row--;if(row<from)return-1;for(var first=row,r=row;r>from&&(t.flags.at(r)&SAME)!==0;r--)passes(r-1)&&(first=
r-1);return first}function pick(t,rows,category){var s={rows:rows,kept:new SmallMap};return category===""||(s.rows=rows.
filter(function(row){var _a;if(t.hasCategory(t.head.labels[t.label.at(row)],category))return!0;var templates=(_a=t.head.
templates[t.template.at(row)])!==null&&_a!==void 0?_a:[];if(!templates.some(function(p){return t.hasCategory(p.categories,
category)}))return!1;var keep=__spreadArray([],__read(templates.keys()),!1).filter(function(i2){var _a2;return(_a2=templates[i2].
categories)===null||_a2===void 0?void 0:_a2.includes(category)});return keep.length<templates.length&&s.kept.set(row,keep),
!0})),s}function showsEvery(q){return q.all&&q.prerelease&&!q.experimental&&q.category+q.package+q.type===""&&!(q.kibana||
q.agent||q.specMin||q.specMax||q.capabilities)&&q.discovery.length===0}function named2(t,_a){var rows=_a.rows,kept=_a.kept,
title=toBytes("search 2\n"),cuts="";kept.size>0&&rows.forEach(function(row,i3){var keep=kept.get(row);keep&&(cuts+="\n"+
i3+(keep.length>0?":"+keep.join(","):""))});var out=new Uint8Array(title.length+rows.length*DIGEST+cuts.length);out.set(
title);for(var at=title.length,data=t.data,from=t.summaries.from,i2=0;i2<rows.length;){for(var first=rows[i2],n=1;rows[i2+
n]===first+n;)n++;out.set(data.subarray(from+first*DIGEST,from+(first+n)*DIGEST),at),at+=n*DIGEST,i2+=n}return out.set(toBytes(
cuts),at),out}var JSON_TYPE="application/json",PLAIN_TYPE="text/plain; charset=utf-8";function plainError(status,text,cache){
return{kind:"direct",status:status,contentType:PLAIN_TYPE,cache:cache,body:toBytes(text+"\n")}}function direct(contentType,cache,body){
return{kind:"direct",status:200,contentType:contentType,cache:cache,body:body}}var noRoute=plainError(404,"404 page not \
found","error"),noPackage=plainError(404,"package revision not found","error"),noArtifact=plainError(404,"artifact not f\
ound","error"),noSignature=plainError(404,"signature file not found","error"),badVersion=plainError(400,"invalid package\
 version","error"),badMethod=plainError(405,"method not allowed","error"),noResource=plainError(404,"resource not found",
"content"),MOVABLE=new SmallSet(["/index.json/","/health/","/favicon.ico/","/search/","/categories/"]);function answer(t,method,target){
if(method!=="GET"&&method!=="HEAD")return badMethod;var path=target.path,clean=cleanPath(path);if(clean!==path)return{kind:"\
direct",status:301,contentType:"",cache:"none",location:location(target,clean),body:toBytes("")};switch(path){case"/":case"\
/index.json":return direct(JSON_TYPE,"index",toBytes(index(t)));case"/health":return direct("","none",toBytes(""));case"\
/favicon.ico":return direct("image/x-icon","content",ICON);case"/search":case"/categories":return query(t,target)}return MOVABLE.
has(path)?moved(target,path.slice(0,-1)):path==="/catalog"||path.startsWith("/catalog/")?pageRoute(t,target):path.startsWith(
"/package/")?packageRoute(t,target):path.startsWith("/artifacts/static/")?staticRoute(t,target):archiveRoute(t,target)}function index(t){
return'{\n  "service.name": "package-registry",\n  "service.version": '.concat(jsonString(t.head.service_version),"\n}\n")}
var HTML=new SmallMap([["&","&amp;"],["<","&lt;"],[">","&gt;"],['"',"&#34;"],["'","&#39;"]]);function moved(target,path){
var to=location(target,path),link=to.replace(/[&<>"']/g,function(c){return HTML.get(c)});return{kind:"direct",status:301,
contentType:"text/html; charset=utf-8",cache:"none",location:escapeBytes(to),body:toBytes('<a href="'.concat(link,'">Mov\
ed Permanently</a>.\n\n'))}}function query(t,target){var q;try{q=parseQuery2(target.query,target.path==="/categories")}catch(e){
if(!(e instanceof QueryError))throw e;return plainError(400,e.message,"error")}var a={kind:"search",status:200,contentType:JSON_TYPE,
cache:"content"};if(t.rows>0&&showsEvery(q))return __assign(__assign({},a),{digest:t.head.every,select:function(){return select(
t,q)}});var selection=select(t,q);if(q.counting){var body=toBytes(count(t,selection,q.includePolicyTemplates));return __assign(
__assign({},a),{kind:"count",body:body})}return selection.rows.length===0?__assign(__assign({},a),{kind:"direct",body:toBytes(
"[]")}):__assign(__assign({},a),{select:function(){return selection},named:named2(t,selection)})}function pageRoute(t,target){
var digest=t.head.site;if(!digest)return noRoute;var path=target.path,rest=path.replace(/^\/catalog\//,"");if(rest===LIVE_PATH)
return{kind:"live",status:200,contentType:JSON_TYPE,cache:"error"};var last2=rest.slice(rest.lastIndexOf("/")+1),file=rest.
startsWith("-/")&&last2.includes(".")||last2==="feed.xml"||last2==="versions.json";return path==="/catalog"||last2!==""&&
!file?moved(target,path+"/"):{kind:"page",status:200,contentType:pageType(last2),cache:"index",digest:digest,path:rest}}
function pageType(file){var suffix=/\.(css|js|json|xml)(?![\s\S])/.exec(file);return suffix&&PAGE_TYPES.get(suffix[1])||
PAGE_HTML}var PAGE_HTML="text/html; charset=utf-8",PAGE_TYPES=new SmallMap([["css","text/css; charset=utf-8"],["js","tex\
t/javascript; charset=utf-8"],["json",JSON_TYPE],["xml","application/atom+xml"]]);function splitN(text,n){var parts=text.
split("/");return parts.length<=n?parts:__spreadArray(__spreadArray([],__read(parts.slice(0,n-1)),!1),[parts.slice(n-1).
join("/")],!1)}function packageRoute(t,target){var _a=__read(splitN(target.path.slice(9),3),3),name=_a[0],version2=_a[1],
file=_a[2];if(!name||!version2)return noRoute;if(file===void 0)return validPackageName(name)?moved(target,target.path+"/"):
noRoute;var document=file===""&&validPackageName(name);if(!document)return fileRoute(t,target,name,version2,file);if(!isStrict(
version2))return badVersion;var row=t.find(name,version2);return row<0?noPackage:{kind:"document",status:200,contentType:JSON_TYPE,
cache:"index",digest:t.document(row)}}function staticRoute(t,target){var m=/^\/artifacts\/static\/([a-z0-9_]{1,200})-([^/]+)\/([\s\S]+)(?![\s\S])/.
exec(target.path);return m?fileRoute(t,target,m[1],m[2],m[3]):noRoute}function fileRoute(t,target,name,version2,file){if(target.
path.endsWith("/"))return moved(target,target.path.slice(0,-1));if(!isStrict(version2))return badVersion;var row=t.find(
name,version2);return row<0?noPackage:{kind:"file",status:200,contentType:"",cache:"content",revision:{name:name,version:version2,
id:t.revision(row)},path:file}}function archiveRoute(t,target){var slash=target.path.endsWith("/"),m=/^\/(?:epr\/[^/]+|artifacts\/packages)\/([a-z0-9_]{1,200})-([^/]+)\.zip(\.sig)?\/?(?![\s\S])/.
exec(target.path);if(!m)return noRoute;if(slash)return moved(target,target.path.slice(0,-1));var _a=__read(m,4),name=_a[1],
version2=_a[2],signature=_a[3];if(!isStrict(version2))return badVersion;var row=t.find(name,version2);if(signature&&(row<
0||(t.flags.at(row)&SIGNED)===0))return noSignature;if(row<0)return noArtifact;var revision={name:name,version:version2,
id:t.revision(row)},kind=signature?"signature":"archive",contentType=signature?"application/pgp-signature":"application/\
zip";return{kind:kind,status:200,contentType:contentType,cache:"content",revision:revision}}var GZIP_HEADER=Uint8Array.of(
31,139,8,0,0,0,0,0,0,255),ENVELOPE=GZIP_HEADER.length+8;function gzipTrailer(crc32,size){var trailer=new DataView(new ArrayBuffer(
8));return trailer.setUint32(0,crc32,!0),trailer.setUint32(4,size,!0),new Uint8Array(trailer.buffer)}var LARGEST_ARCHIVED=524288;
function archived(key,file,site){return __awaiter(this,void 0,void 0,function(){var size,stored,deflate,_this=this;return __generator(
this,function(_a){return size=file.size,stored=file.stored,deflate=file.deflate,[2,judged(key,file,site,function(){return __awaiter(
_this,void 0,void 0,function(){var _a2,_b,_c;return __generator(this,function(_d){switch(_d.label){case 0:return deflate?
(_b=inflated,_c=[key],[4,readAll(gzipPieces(key,file),site.bucket)]):[3,2];case 1:return _a2=_b.apply(void 0,_c.concat([
_d.sent(),site.inflate,size])),[3,3];case 2:_a2=readAll([{key:key,offset:stored,length:size}],site.bucket),_d.label=3;case 3:
return[2,_a2]}})})})]})})}function gzipPieces(key,_a){var size=_a.size,deflate=_a.deflate,_b=deflate,offset=_b.offset,length=_b.
size,crc32=_b.crc32;return[GZIP_HEADER,{key:key,offset:offset,length:length},gzipTrailer(crc32,size)]}function judgeable(size,encoded){
return Math.max(size,encoded)<=LARGEST_ARCHIVED}function archivedGzip(key,file,site){return __awaiter(this,void 0,void 0,
function(){var encoded,_this=this;return __generator(this,function(_a){switch(_a.label){case 0:return encoded=GZIP_HEADER,
[4,judged(key,file,site,function(){return __awaiter(_this,void 0,void 0,function(){return __generator(this,function(_a2){
switch(_a2.label){case 0:return[4,readAll(gzipPieces(key,file),site.bucket)];case 1:return encoded=_a2.sent(),[2,inflated(
key,encoded,site.inflate,file.size)]}})})})];case 1:return _a.sent(),[2,encoded]}})})}function judged(key_1,_a,_b,read3_1){
return __awaiter(this,arguments,void 0,function(key,_c,_d,read3){var content,e_24,path=_c.path,sha256=_c.sha256,hash=_d.
sha256;return __generator(this,function(_e){switch(_e.label){case 0:return _e.trys.push([0,2,,3]),[4,read3()];case 1:return content=
_e.sent(),[3,3];case 2:throw e_24=_e.sent(),e_24 instanceof StoreError?e_24:new StoreError("".concat(key,": ").concat(path,
": ").concat(e_24 instanceof SmallError?e_24.message:e_24));case 3:return[4,digestOf(content,hash)];case 4:if(_e.sent()!==
sha256.slice(0,32))throw new StoreError("".concat(key,": what it holds for ").concat(path," is something else"));return[
2,content]}})})}function inflated(key,encoded,inflate2,length){var opened={size:null,body:inflate2(encoded)};return readAll(
[{key:key,length:length,opened:opened}],null)}function cacheControl(policy,cacheClass){switch(cacheClass){case"index":return[
"max-age=".concat(policy.index),"public"];case"content":return["max-age=".concat(policy.content),"public"];case"error":return NO_STORE}
return[]}var NO_STORE=["max-age=0","private, no-store"];function etag(digest){return'"'.concat(digest,'"')}function fileTag(sha256){
return etag(sha256.slice(0,32))}function gzipped(tag){return tag.slice(0,-1)+'-gzip"'}function precondition(headers,tag,modified){
var match=headers.get("if-match");if(match!==null&&!listed(match,tag,!0))return 412;var none=headers.get("if-none-match");
return none!==null&&listed(none,tag,!1)||none===null&&modified!==""&&headers.get("if-modified-since")===modified?304:0}function listed(list,tag,strong){
if(list.trim()==="*")return!0;for(var item=new RegExp('[ \\t,]*(W\\/)?("[^"]*")',"y"),m=item.exec(list);m;m=item.exec(list))
if(m[2]===tag&&!(m[1]&&strong))return!0;return!1}function rangeApplies(headers,tag){var _a,v=(_a=headers.get("if-range"))!==
null&&_a!==void 0?_a:"";return v===""||v===tag}var OBJECTS=1,FORMAT2=2;function parseContents(data){var c=parseJSON(data);
if(c.format!==FORMAT2&&c.format!==OBJECTS)throw new SmallError("contents: format ".concat(c.format," is not known to thi\
s edge (want ").concat(FORMAT2,")"));return c}function own(_a,_b){var format=_a.format,object=_b.object;return format===
OBJECTS||object===!0}function acceptsGzip(headers){var e_25,_a,_b,UNSET=-1,gzip=UNSET,any=UNSET,identity=UNSET;try{for(var _c=__values(
((_b=headers.get("accept-encoding"))!==null&&_b!==void 0?_b:"").split(",")),_d=_c.next();!_d.done;_d=_c.next()){var item=_d.
value,_e=__read(item.split(";")),name=_e[0],params=_e.slice(1),q=quality(params);switch(name.trim().toLowerCase()){case"\
gzip":case"x-gzip":gzip=Math.max(gzip,q);break;case"identity":identity=q;break;case"*":any=q}}}catch(e_25_1){e_25={error:e_25_1}}finally{
try{_d&&!_d.done&&(_a=_c.return)&&_a.call(_c)}finally{if(e_25)throw e_25.error}}return gzip===UNSET&&(gzip=any),gzip>0&&
gzip>=identity}function quality(params){var e_26,_a,_b;try{for(var params_1=__values(params),params_1_1=params_1.next();!params_1_1.
done;params_1_1=params_1.next()){var p=params_1_1.value,text=(_b=/^\s*q\s*=(.*)(?![\s\S])/i.exec(p))===null||_b===void 0?
void 0:_b[1].trim();if(text!==void 0){var q=/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?(?![\s\S])/i.test(text)?Number(
text):NaN;return Number.isFinite(q)?Math.min(Math.max(q,0),1):0}}}catch(e_26_1){e_26={error:e_26_1}}finally{try{params_1_1&&
!params_1_1.done&&(_a=params_1.return)&&_a.call(params_1)}finally{if(e_26)throw e_26.error}}return 1}function compressible(contentType){
return["text/","application/json","image/svg+xml"].some(function(p){return contentType.startsWith(p)})}var STORED=524288,
INFLATED=1<<20;function judge(body_1,_a,sound_1,inflate2_1){return __awaiter(this,arguments,void 0,function(body,_b,sound,inflate2){
var _c,key,opened,stored,content,_d,_e,bucket=_b.bucket,exported=_b.exported;return __generator(this,function(_f){switch(_f.
label){case 0:return _c=body[0],key=_c.key,opened=_c.opened,exported||!opened||opened.size===null||opened.size>STORED?[2,
body]:[4,readAll(body,bucket)];case 1:return stored=_f.sent(),inflate2?[4,inflatedUpTo(key,stored,inflate2)]:[3,3];case 2:
return _d=_f.sent(),[3,4];case 3:_d=stored,_f.label=4;case 4:return content=_d,_e=content,_e?[4,sound(content)]:[3,6];case 5:
_e=!_f.sent(),_f.label=6;case 6:if(_e)throw new StoreError("".concat(key,": its content is another's"));return[2,[stored]]}})})}
function inflatedUpTo(key,encoded,inflate2){return __awaiter(this,void 0,void 0,function(){var opened,nowhere,parts,n,_a,
_b,_c,part,e_27_1,e_28,end,_d,e_27,_e,_f;return __generator(this,function(_g){switch(_g.label){case 0:if(encoded[0]!==31||
encoded[1]!==139)throw new StoreError("".concat(key,": it is not gzip-encoded"));opened={size:null,body:inflate2(encoded)},
nowhere=null,parts=[],n=0,_g.label=1;case 1:_g.trys.push([1,14,,15]),_g.label=2;case 2:_g.trys.push([2,7,8,13]),_a=!0,_b=
__asyncValues(read([{key:key,opened:opened}],nowhere,1/0)),_g.label=3;case 3:return[4,_b.next()];case 4:if(_c=_g.sent(),
_d=_c.done,!!_d)return[3,6];if(_f=_c.value,_a=!1,part=_f,n+=part.length,n>INFLATED)return[2,null];parts.push(part),_g.label=
5;case 5:return _a=!0,[3,3];case 6:return[3,13];case 7:return e_27_1=_g.sent(),e_27={error:e_27_1},[3,13];case 8:return _g.
trys.push([8,,11,12]),!_a&&!_d&&(_e=_b.return)?[4,_e.call(_b)]:[3,10];case 9:_g.sent(),_g.label=10;case 10:return[3,12];case 11:
if(e_27)throw e_27.error;return[7];case 12:return[7];case 13:return[3,15];case 14:throw e_28=_g.sent(),e_28 instanceof StoreError?
e_28:new StoreError("".concat(key,": ").concat(e_28 instanceof SmallError?e_28.message:e_28));case 15:if(end=new DataView(
encoded.buffer,encoded.byteOffset).getUint32(encoded.length-4,!0),end!==n)throw new StoreError("".concat(key,": its gzip\
 stream does not end where the object ends"));return[2,readAll(parts,nowhere)]}})})}var Kept=(function(){function class_5(most,load){
this.most=most,this.load=load,this.kept=new SmallMap,this.bytes=0}return class_5.prototype.get=function(digest){return __awaiter(
this,void 0,void 0,function(){var kept,loaded,_a,_b,_c,oldest,size,e_29,_d;return __generator(this,function(_e){switch(_e.
label){case 0:return kept=this.kept.get(digest),kept?(this.kept.delete(digest),this.kept.set(digest,kept),[2,kept.value]):
[4,this.load(digest)];case 1:loaded=_e.sent(),this.kept.has(digest)||(this.kept.set(digest,loaded),this.bytes+=loaded.size);
try{for(_a=__values(this.kept),_b=_a.next();!_b.done&&(_c=__read(_b.value,2),oldest=_c[0],size=_c[1].size,!(this.bytes<=
this.most));_b=_a.next())this.kept.delete(oldest),this.bytes-=size}catch(e_29_1){e_29={error:e_29_1}}finally{try{_b&&!_b.
done&&(_d=_a.return)&&_d.call(_a)}finally{if(e_29)throw e_29.error}}return[2,loaded.value]}})})},class_5})(),KEPT=4<<20,
Lists=(function(_super){__extends(class_6,_super);function class_6(bucket,sha256){var _this=_super.call(this,KEPT,function(digest){
return __awaiter(_this,void 0,void 0,function(){var bytes;return __generator(this,function(_a){switch(_a.label){case 0:return[
4,readNamed(pageKey(digest),digest,bucket,sha256)];case 1:return bytes=_a.sent(),[2,{value:parseJSON(bytes),size:bytes.length}]}})})})||
this;return _this}return class_6})(Kept);function findPage(site,path,lists){return __awaiter(this,void 0,void 0,function(){
var own2,slash,of,rest,page,versions,_a,_b;return __generator(this,function(_c){switch(_c.label){case 0:return own2=entry2(
site.pages,path),own2?[2,own2]:(slash=path.indexOf("/"),of=slash<0?null:entry2(site.packages,path.slice(0,slash)),of?(rest=
path.slice(slash+1),page=entry2(of.pages,rest),page?[2,page]:rest==="versions.json"?[2,of.list]:rest.endsWith("/")?[4,lists.
get(of.list)]:[2,null]):[2,null]);case 1:return versions=_c.sent().versions,[2,(_b=(_a=versions.find(function(v){return v.
version===rest.slice(0,-1)}))===null||_a===void 0?void 0:_a.page)!==null&&_b!==void 0?_b:null]}})})}function missingPage(site,path){
return entry2(site.pages,"404 ".concat(path.split("/").length-1))}function entry2(of,name){return Object.prototype.hasOwnProperty.
call(of,name)?of[name]:null}function styleHash(site){var e_30,_a;try{for(var _b=__values(Object.keys(site.pages)),_c=_b.
next();!_c.done;_c=_b.next()){var path=_c.value,name=/^-\/([0-9a-f]{64})\.css(?![\s\S])/.exec(path);if(name){var bytes=name[1].
replace(/../g,function(hex3){return String.fromCharCode(parseInt(hex3,16))});return" 'sha256-".concat(btoa(bytes),"'")}}}catch(e_30_1){
e_30={error:e_30_1}}finally{try{_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{if(e_30)throw e_30.error}}return""}function pagePolicy(site){
return"default-src 'none'; img-src 'self'; style-src 'self'".concat(styleHash(site),"; script-src '").concat(site.script,
"'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")}var FILE_POLICY="default-src 'none\
'; style-src 'unsafe-inline'; sandbox",RangeError416=(function(_super){__extends(RangeError4162,_super);function RangeError4162(){
return _super!==null&&_super.apply(this,arguments)||this}return RangeError4162})(SmallError),MOST=16,LARGEST2="922337203\
6854775807";function parseRange(header,size){var e_31,_a;if(header==="")return[];if(!header.startsWith("bytes="))throw new RangeError416(
"invalid range");var ranges=[],beyond=!1,total=0;try{for(var _b=__values(header.slice(6).split(",")),_c=_b.next();!_c.done;_c=
_b.next()){var text=_c.value,item=text.trim();if(item!==""){var r=oneRange(item,size);if(r.length===0){beyond=!0;continue}
ranges.push(r),total+=r.length}}}catch(e_31_1){e_31={error:e_31_1}}finally{try{_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{
if(e_31)throw e_31.error}}if(ranges.length===0&&beyond&&size>0)throw new RangeError416("invalid range: failed to overlap");
return total>size||ranges.length>MOST?[]:ranges}function oneRange(item,size){var m=/^[ \t]*([0-9]*)[ \t]*-[ \t]*([0-9]*)[ \t]*(?![\s\S])/.
exec(item);if(!m||[m[1],m[2]].some(tooLarge)||m[1]===""&&m[2]==="")throw new RangeError416("invalid range");if(m[1]===""){
var n=Math.min(Number(m[2]),size);return{start:size-n,length:n}}var start=Number(m[1]);if(start>=size)return{start:start,
length:0};if(m[2]==="")return{start:start,length:size-start};if(Number(m[2])<start)throw new RangeError416("invalid rang\
e");return{start:start,length:Math.min(size-1,Number(m[2]))-start+1}}function tooLarge(digits){var significant=digits.replace(
/^0+/,"");return significant.length>LARGEST2.length||significant.length===LARGEST2.length&&significant>LARGEST2}function contentRange(r,size){
return"bytes ".concat(r.start,"-").concat(r.start+r.length-1,"/").concat(size)}function deliver(x,rep){return __awaiter(
this,void 0,void 0,function(){var headers,site,done,content2,_a,key,ranges,content,_b,part,_c,r,boundary,body,_d,_e;return __generator(
this,function(_f){switch(_f.label){case 0:return headers=x.headers,site=x.site,x.head(),rep.key&&headers.set("accept-ran\
ges",["bytes"]),site.modified!==""&&headers.set("last-modified",[site.modified]),done=x.settled(rep.tag,site.modified),done?
[2,done]:rep.body?(headers.set("content-encoding",["gzip"]),x.request.method!=="HEAD"?[3,1]:(_a=void 0,[3,3])):[3,4];case 1:
return[4,(_d=rep.content)===null||_d===void 0?void 0:_d.call(rep)];case 2:_a=_f.sent(),_f.label=3;case 3:return content2=
_a,[2,{status:200,headers:headers,body:content2?[content2]:rep.body}];case 4:key=rep.key;try{ranges=rangesOf(x,rep)}catch(e){
if(!(e instanceof RangeError416))throw e;return headers.set("content-range",["bytes */".concat(rep.size)]),[2,x.fail(416,
e.message)]}return ranges.length===0&&rep.size===0?[2,{status:200,headers:headers,body:[]}]:x.request.method!=="HEAD"?[3,
5]:(_b=void 0,[3,7]);case 5:return[4,(_e=rep.content)===null||_e===void 0?void 0:_e.call(rep)];case 6:_b=_f.sent(),_f.label=
7;case 7:return content=_b,part=function(start,length){return content?content.subarray(start,start+length):{key:key,offset:start,
length:length}},ranges.length===0?[2,{status:200,headers:headers,body:[content!=null?content:{key:key,length:rep.size}]}]:
ranges.length===1?(_c=__read(ranges,1),r=_c[0],headers.set("content-range",[contentRange(r,rep.size)]),[2,{status:206,headers:headers,
body:[part(r.start,r.length)]}]):(boundary="regsnap-"+rep.tag.slice(1,-1),body=ranges.flatMap(function(r2,i2){return[toBytes(
"".concat(i2===0?"":"\r\n","--").concat(boundary,"\r\nContent-Range: ").concat(contentRange(r2,rep.size),"\r\nContent-Type\
: ").concat(x.a.contentType,"\r\n\r\n")),part(r2.start,r2.length)]}),body.push(toBytes("\r\n--".concat(boundary,"--\r\n"))),
headers.set("content-type",["multipart/byteranges; boundary=".concat(boundary)]),[2,{status:206,headers:headers,body:body}])}})})}
function rangesOf(x,rep){var _a,_b=x.request,method=_b.method,headers=_b.headers;return method!=="GET"||!rangeApplies(headers,
rep.tag)?[]:parseRange((_a=headers.get("range"))!==null&&_a!==void 0?_a:"",rep.size)}function handle(request,site){return __awaiter(
this,void 0,void 0,function(){var parsed,reply2,_a,length,_b,_c;return __generator(this,function(_d){switch(_d.label){case 0:
return parsed=parseTarget(request.target),parsed?[4,new Exchange(request,site,answer(site.table,request.method,parsed)).
reply()]:[3,2];case 1:return _a=_d.sent(),[3,3];case 2:_a=refuse(400,"the URL is malformed"),_d.label=3;case 3:return reply2=
_a,(_c=bodyLength(reply2.body))!==null&&_c!==void 0?(_b=_c,[3,6]):[3,4];case 4:return[4,headLength(request,reply2,site)];case 5:
_b=_d.sent(),_d.label=6;case 6:return length=_b,length!==void 0&&reply2.status!==304&&reply2.headers.set("content-length",
[String(length)]),request.method==="HEAD"&&(reply2.body=[]),[2,reply2]}})})}function headLength(_a,_b,_c){return __awaiter(
this,arguments,void 0,function(_d,_e,_f){var method=_d.method,body=_e.body,bucket=_f.bucket;return __generator(this,function(_g){
switch(_g.label){case 0:return method!=="HEAD"||!(body[0]instanceof Assembly)?[2,void 0]:[4,readAll(body,bucket)];case 1:
return[2,_g.sent().length]}})})}function refuse(status,text,headers){headers===void 0&&(headers=new SmallMap);var body=toBytes(
text+"\n");return headers.set("access-control-allow-origin",["*"]),headers.set("content-type",[PLAIN_TYPE]),headers.set(
"cache-control",NO_STORE),headers.set("content-length",[String(body.length)]),{status:status,headers:headers,body:[body]}}
function absent(key,bucket){throw missing(key,bucket)}var DOCUMENT=524288,Exchange=(function(){function class_7(request,site,a){
this.request=request,this.site=site,this.a=a,this.headers=new SmallMap([["access-control-allow-origin",["*"]]])}return class_7.
prototype.reply=function(){switch(this.a.kind){case"direct":return this.direct();case"document":case"search":case"count":
return this.response();case"file":return this.file();case"page":return this.page();case"live":return this.live();default:
return this.archive()}},class_7.prototype.head=function(){var _a=this,a=_a.a,headers=_a.headers;a.contentType!==""&&headers.
set("content-type",[a.contentType]);var cache=cacheControl(this.site.table.head.cache,a.cache);cache.length>0&&headers.set(
"cache-control",cache),a.status===200&&compressible(a.contentType)&&headers.set("vary",["Accept-Encoding"])},class_7.prototype.
settled=function(tag,modified){var e_32,_a;switch(modified===void 0&&(modified=""),this.headers.set("etag",[tag]),precondition(
this.request.headers,tag,modified)){case 304:try{for(var _b=__values(["content-type","content-encoding","accept-ranges"]),
_c=_b.next();!_c.done;_c=_b.next()){var name=_c.value;this.headers.delete(name)}}catch(e_32_1){e_32={error:e_32_1}}finally{
try{_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{if(e_32)throw e_32.error}}return{status:304,headers:this.headers,body:[]};case 412:
return this.fail(412,"precondition failed")}return null},class_7.prototype.fail=function(status,text){var e_33,_a;try{for(var _b=__values(
["etag","accept-ranges","content-encoding","vary"]),_c=_b.next();!_c.done;_c=_b.next()){var name=_c.value;this.headers.delete(
name)}}catch(e_33_1){e_33={error:e_33_1}}finally{try{_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{if(e_33)throw e_33.
error}}return refuse(status,text,this.headers)},class_7.prototype.direct=function(){return __awaiter(this,void 0,void 0,
function(){var a,body,done,_a,_b;return __generator(this,function(_c){switch(_c.label){case 0:return a=this.a,body=a.body,
this.head(),a.location!==void 0&&this.headers.set("location",[a.location]),a.status===405&&this.headers.set("allow",["GE\
T, HEAD"]),a.status===200&&body.length>0?(_a=this.settled,_b=etag,[4,digestOf(body,this.site.sha256)]):[3,2];case 1:if(done=
_a.apply(this,[_b.apply(void 0,[_c.sent()])]),done)return[2,done];_c.label=2;case 2:return[2,{status:a.status,headers:this.
headers,body:[body]}]}})})},class_7.prototype.response=function(){return __awaiter(this,void 0,void 0,function(){var _a,
a,request,site,digest,_b,tag,gzip,expected,found,_c,done,body,_d,_this=this,_e,_f,_g;return __generator(this,function(_h){
switch(_h.label){case 0:return _a=this,a=_a.a,request=_a.request,site=_a.site,this.head(),(_e=a.digest)!==null&&_e!==void 0?
(_b=_e,[3,3]):[3,1];case 1:return[4,digestOf((_f=a.named)!==null&&_f!==void 0?_f:a.body,site.sha256)];case 2:_b=_h.sent(),
_h.label=3;case 3:return digest=_b,tag=etag(digest),gzip=acceptsGzip(request.headers),expected=gzip?gzipped(tag):tag,((_g=
request.headers.get("if-none-match"))===null||_g===void 0?void 0:_g.trim())!=="*"&&precondition(request.headers,expected,
"")===304?[2,this.settled(expected)]:gzip?[4,this.stored(responseKey(digest)+GZIP_SUFFIX)]:[3,5];case 4:return _c=_h.sent(),
[3,6];case 5:_c=null,_h.label=6;case 6:return found=_c,found&&this.headers.set("content-encoding",["gzip"]),done=this.settled(
found?expected:tag),done?[2,done]:found?[4,judge(found,site,function(content){return _this.sound(content,digest)},site.inflate)]:
[3,8];case 7:return _d=_h.sent(),[3,10];case 8:return[4,this.plain(digest)];case 9:_d=_h.sent(),_h.label=10;case 10:return body=
_d,[2,{status:a.status,headers:this.headers,body:body}]}})})},class_7.prototype.sound=function(content,digest){return __awaiter(
this,void 0,void 0,function(){var _a,a,site,length,want,_b;return __generator(this,function(_c){switch(_c.label){case 0:
return _a=this,a=_a.a,site=_a.site,a.select?(length=new Assembly(site.table,a.select(),site.parts).length,[2,length===void 0||
content.length===length]):a.body?[4,digestOf(a.body,site.sha256)]:[3,2];case 1:return _b=_c.sent(),[3,3];case 2:_b=digest,
_c.label=3;case 3:return want=_b,[4,digestOf(content,site.sha256)];case 4:return[2,_c.sent()===want]}})})},class_7.prototype.
plain=function(digest){return __awaiter(this,void 0,void 0,function(){var a,_a,table,parts,bucket,sha256,exported,key,head,
bytes,assembly,length,size,content,_b,_c,_d;return __generator(this,function(_e){switch(_e.label){case 0:return a=this.a,
a.body?[2,[a.body]]:(_a=this.site,table=_a.table,parts=_a.parts,bucket=_a.bucket,sha256=_a.sha256,exported=_a.exported,key=
responseKey(digest),head=this.request.method==="HEAD",a.select?[3,4]:head?[4,this.stored(key)]:[3,2]);case 1:return[2,(_c=
_e.sent())!==null&&_c!==void 0?_c:absent(key,bucket)];case 2:return[4,readNamed(key,digest,bucket,sha256)];case 3:return bytes=
_e.sent(),[2,bytes.length<=DOCUMENT?[bytes]:[{key:key,length:bytes.length}]];case 4:return assembly=new Assembly(table,a.
select(),parts),length=assembly.length,size=assembly.size,size>=MIN_GZIP&&size<=INFLATED&&!exported?head&&length!==void 0?
(_b=null,[3,7]):[3,5]:[3,8];case 5:return[4,this.inflatedSearch(key+GZIP_SUFFIX,length)];case 6:_b=_e.sent(),_e.label=7;case 7:
if(content=_b,content)return[2,[content]];if(length!==void 0)return[2,[assembly]];_e.label=8;case 8:return[4,this.stored(
key,length)];case 9:return[2,(_d=_e.sent())!==null&&_d!==void 0?_d:[assembly]]}})})},class_7.prototype.inflatedSearch=function(key,length){
return __awaiter(this,void 0,void 0,function(){var _a,bucket,inflate2,encoded,content,_b;return __generator(this,function(_c){
switch(_c.label){case 0:return _a=this.site,bucket=_a.bucket,inflate2=_a.inflate,[4,bucket.read(key)];case 1:return encoded=
_c.sent(),_b=encoded,_b?[4,inflatedUpTo(key,encoded,inflate2)]:[3,3];case 2:_b=_c.sent(),_c.label=3;case 3:return content=
_b,content&&checkSize(key,content.length,length),[2,content]}})})},class_7.prototype.live=function(){return __awaiter(this,
void 0,void 0,function(){var _a,a,site,_b,_c,_d;return __generator(this,function(_e){switch(_e.label){case 0:return _a=this,
a=_a.a,site=_a.site,_b=a,[4,(_d=(_c=site.live)===null||_c===void 0?void 0:_c.call(site))!==null&&_d!==void 0?_d:unknownLive(
site.table.head.environment)];case 1:return _b.body=_e.sent(),[2,this.direct()]}})})},class_7.prototype.page=function(){
return __awaiter(this,void 0,void 0,function(){var _a,a,request,site,_b,digest,path,pages,page,_c;return __generator(this,
function(_d){switch(_d.label){case 0:return _a=this,a=_a.a,request=_a.request,site=_a.site,_b=a,digest=_b.digest,path=_b.
path,[4,site.lists.get(digest)];case 1:return pages=_d.sent(),[4,findPage(pages,path,site.lists)];case 2:if(page=_d.sent(),
this.headers.set("vary",["Accept-Encoding"]),!page){if(this.headers.set("vary",["Accept, Accept-Encoding"]),page=missingPage(
pages,path),!page||!/text\/html/i.test((_c=request.headers.get("accept"))!==null&&_c!==void 0?_c:""))return this.a=noRoute,
[2,this.direct()];Object.assign(a,{status:404,contentType:PAGE_HTML,cache:"error"})}return this.headers.set("x-content-t\
ype-options",["nosniff"]),a.contentType===PAGE_HTML&&(this.headers.set("content-security-policy",[pagePolicy(pages)]),this.
headers.set("referrer-policy",["no-referrer"])),this.head(),[2,this.pageBody(page)]}})})},class_7.prototype.pageBody=function(page){
return __awaiter(this,void 0,void 0,function(){var _a,a,request,headers,key,encoded,tag,body,_b,done,_c,inflate2,sha256,
sound,_d,_e,_this=this;return __generator(this,function(_f){switch(_f.label){case 0:return _a=this,a=_a.a,request=_a.request,
headers=_a.headers,key=pageKey(page),encoded=key+GZIP_SUFFIX,tag=etag(page),acceptsGzip(request.headers)?[4,this.stored(
encoded)]:[3,2];case 1:return _b=_f.sent(),[3,3];case 2:_b=null,_f.label=3;case 3:return body=_b,body&&(tag=gzipped(tag),
headers.set("content-encoding",["gzip"])),done=a.status===200?this.settled(tag):null,done?[2,done]:(_c=this.site,inflate2=
_c.inflate,sha256=_c.sha256,sound=function(content){return __awaiter(_this,void 0,void 0,function(){return __generator(this,
function(_a2){switch(_a2.label){case 0:return[4,digestOf(content,sha256)];case 1:return[2,_a2.sent()===page]}})})},body?
(_e={status:a.status,headers:headers},[4,judge(body,this.site,sound,inflate2)]):[3,5]);case 4:return[2,(_e.body=_f.sent(),
_e)];case 5:return[4,this.stored(key)];case 6:return body=_f.sent(),body?[4,judge(body,this.site,sound)]:[3,8];case 7:return _d=
_f.sent(),[3,10];case 8:return[4,this.inflatedPage(encoded,page)];case 9:_d=[_f.sent()],_f.label=10;case 10:return body=
_d,[2,{status:a.status,headers:headers,body:body}]}})})},class_7.prototype.inflatedPage=function(key,page){return __awaiter(
this,void 0,void 0,function(){var _a,bucket,inflate2,sha256,_b,_c,_d,_e;return __generator(this,function(_f){switch(_f.label){case 0:
return _a=this.site,bucket=_a.bucket,inflate2=_a.inflate,sha256=_a.sha256,_b=named,_c=[key,page],_d=inflated,_e=[key],[4,
readObject(key,bucket)];case 1:return[4,_d.apply(void 0,_e.concat([_f.sent(),inflate2]))];case 2:return[2,_b.apply(void 0,
_c.concat([_f.sent(),sha256]))]}})})},class_7.prototype.stored=function(key,length){return __awaiter(this,void 0,void 0,
function(){var bucket,found,opened,e_34,_a,_b,_c;return __generator(this,function(_d){switch(_d.label){case 0:return bucket=
this.site.bucket,this.request.method!=="HEAD"?[3,2]:[4,bucket.stat(key)];case 1:return found=_d.sent(),found&&checkSize(
key,found.size,length),[2,found&&[{key:key,length:(_a=found.size)!==null&&_a!==void 0?_a:void 0}]];case 2:return[4,bucket.
open(key)];case 3:if(opened=_d.sent(),!opened)return[2,null];_d.label=4;case 4:return _d.trys.push([4,5,,7]),checkSize(key,
opened.size,length),[3,7];case 5:return e_34=_d.sent(),[4,(_b=opened.body)===null||_b===void 0?void 0:_b.cancel()];case 6:
throw _d.sent(),e_34;case 7:return[2,[{key:key,length:(_c=opened.size)!==null&&_c!==void 0?_c:length,opened:opened}]]}})})},
class_7.prototype.contents=function(){return __awaiter(this,void 0,void 0,function(){var _a,a,site,key,_b;return __generator(
this,function(_c){switch(_c.label){case 0:return _a=this,a=_a.a,site=_a.site,[4,contentsKey(a.revision,site.sha256)];case 1:
return key=_c.sent(),_b=parseContents,[4,readObject(key,site.bucket)];case 2:return[2,_b.apply(void 0,[_c.sent()])]}})})},
class_7.prototype.file=function(){return __awaiter(this,void 0,void 0,function(){var _a,request,site,a,_b,revision,path,
contents,f,tag,d,key2_1,content,_c,_d,key,_e;return __generator(this,function(_f){switch(_f.label){case 0:return _a=this,
request=_a.request,site=_a.site,a=_a.a,_b=a,revision=_b.revision,path=_b.path,[4,this.contents()];case 1:return contents=
_f.sent(),f=contents.files.find(function(f2){return f2.path===path}),f?(a.contentType=f.type,site.table.head.site&&(this.
headers.set("x-content-type-options",["nosniff"]),this.headers.set("content-security-policy",[FILE_POLICY])),tag=fileTag(
f.sha256),d=f.deflate,d&&ENVELOPE+d.size<f.size&&compressible(f.type)&&request.headers.get("range")===null&&acceptsGzip(
request.headers)?[4,archiveKey(revision,site.sha256)]:[3,3]):(this.a=noResource,[2,this.direct()]);case 2:return key2_1=
_f.sent(),content=judgeable(f.size,d.size)&&!site.exported?function(){return archivedGzip(key2_1,f,site)}:void 0,[2,deliver(
this,{size:ENVELOPE+d.size,tag:gzipped(tag),body:gzipPieces(key2_1,f),content:content})];case 3:return site.exported||own(
contents,f)?(_c=deliver,_d=[this],_e={size:f.size,tag:tag},[4,fileKey(revision,path,site.sha256)]):[3,5];case 4:return[2,
_c.apply(void 0,_d.concat([(_e.key=_f.sent(),_e)]))];case 5:return[4,archiveKey(revision,site.sha256)];case 6:return key=
_f.sent(),[2,deliver(this,{size:f.size,tag:tag,key:key,content:function(){return archived(key,f,site)}})]}})})},class_7.
prototype.archive=function(){return __awaiter(this,void 0,void 0,function(){var _a,a,site,revision,_b,archive,signature,
_c,_d,key,_e;return __generator(this,function(_f){switch(_f.label){case 0:return _a=this,a=_a.a,site=_a.site,revision=a.
revision,[4,this.contents()];case 1:return _b=_f.sent(),archive=_b.archive,signature=_b.signature,a.kind!=="archive"?[3,
3]:(_c=deliver,_d=[this],_e={size:archive.size,tag:fileTag(archive.sha256)},[4,archiveKey(revision,site.sha256)]);case 2:
return[2,_c.apply(void 0,_d.concat([(_e.key=_f.sent(),_e)]))];case 3:return[4,signatureKey(revision,site.sha256)];case 4:
if(key=_f.sent(),!signature)throw new StoreError("".concat(key,": contents.json lists no signature"));return[2,deliver(this,
{size:signature.size,tag:fileTag(signature.sha256),key:key})]}})})},class_7})(),KEPT2=16<<20,Parts=(function(_super){__extends(
class_8,_super);function class_8(bucket){var _this=_super.call(this,KEPT2,function(digest){return __awaiter(_this,void 0,
void 0,function(){var value;return __generator(this,function(_a){switch(_a.label){case 0:return[4,readObject(partKey(digest),
bucket)];case 1:return value=_a.sent(),[2,{value:value,size:value.length}]}})})})||this;return _this}return class_8})(Kept),
VERSIONS=12,DOCUMENT2=23*VERSIONS+5;function modifiedOf(id){var m=/^(....)(..)(..)T(..)(..)(..)Z-/.exec(id),at=m?Date.parse(
"".concat(m[1],"-").concat(m[2],"-").concat(m[3],"T").concat(m[4],":").concat(m[5],":").concat(m[6],"Z")):NaN;return Number.
isNaN(at)?"":new Date(at).toUTCString()}var TREE="tree/",ROUTES="data/routes.json";function fileOf(key){var m=/^packages\/([^/]+)\/([^/]+)\/[^/]+\/(files\/)?(.+)(?![\s\S])/.
exec(key);if(!m||m[4]==="contents.json"&&!m[3])return"data/"+key;var _a=__read(m,5),name=_a[1],version2=_a[2],files=_a[3],
rest=_a[4];if(!files)return"".concat(TREE,"epr/").concat(name,"/").concat(plain2(rest));var elements=rest.split("/").map(
plain2);return DOCUMENTS.includes(elements[0])&&(elements[0]="="+elements[0]),"".concat(TREE,"package/").concat(name,"/").
concat(plain2(version2),"/").concat(elements.join("/"))}var DOCUMENTS=["index.json","index.json.gz"];function plain2(element){
var e_35,_a;if(!element.includes("=")||/=-|=3D|=2F|=[01]|=7F|^(=2E)+(?![\s\S])/.test(element))return element;var name=element.
replace(/=(..)/g,function(_,hex3){return String.fromCharCode(parseInt(hex3,16))}),out="";try{for(var _b=__values(runes(name)),
_c=_b.next();!_c.done;_c=_b.next()){var _d=_c.value,code=_d.code,valid=_d.valid;if(!valid)return element;out+=String.fromCodePoint(
code)}}catch(e_35_1){e_35={error:e_35_1}}finally{try{_c&&!_c.done&&(_a=_b.return)&&_a.call(_b)}finally{if(e_35)throw e_35.
error}}return out}var WHOLE="/~whole/",PART="/~part/",MOST2=4<<20;function registry(modules){return{answer:function(r){return __awaiter(
this,void 0,void 0,function(){return __generator(this,function(_a){return[2,reply(r,sent(r,"request_uri"),modules)]})})},
refused:function(r){return __awaiter(this,void 0,void 0,function(){var target,known,_a;return __generator(this,function(_b){
return target=(_a=sent(r,"request").split(" ")[1])!==null&&_a!==void 0?_a:"",known=target[0]==="/"&&!r.variables.request_uri,
[2,known?reply(r,target,modules):send(r,refuse(400,"bad request"))]})})},unsent:function(r){return __awaiter(this,void 0,
void 0,function(){var there;return __generator(this,function(_a){return there=r.variables.regsnap_etag==="",[2,there?reply(
r,sent(r,"request_uri"),modules):send(r,refuse(502,UNREADABLE))]})})}}}function sent(r,name){var _a,text=fromBytes((_a=r.
rawVariables[name])!==null&&_a!==void 0?_a:new Uint8Array(0)),at=text.indexOf("?");return at<0?text:text.slice(0,at)+escapeBytes(
text.slice(at))}var UNREADABLE="the files of this registry cannot be read";function reply(r,target,modules){return __awaiter(
this,void 0,void 0,function(){var answer2,folder,headers,found,e_36;return __generator(this,function(_a){switch(_a.label){case 0:
return _a.trys.push([0,3,,4]),folder=new Folder(modules,r.variables.regsnap_export),headers={get:function(name){var _a2;
return(_a2=r.headersIn[name])!==null&&_a2!==void 0?_a2:null}},[4,handle({method:r.method,target:target,headers:headers},
folder.site())];case 1:return found=_a.sent(),[4,folder.answer(found.status===200&&isJudged(r)?failed(found):found)];case 2:
return answer2=_a.sent(),[3,4];case 3:return e_36=_a.sent(),r.error("cannot answer ".concat(JSON.stringify(target),": ").
concat(e_36 instanceof SmallError?e_36.message:e_36)),answer2=refuse(502,UNREADABLE),[3,4];case 4:return send(r,answer2),
[2]}})})}function isJudged(r){var match=r.headersIn["if-match"];return match!==void 0&&match!=="*"||r.headersIn["if-unmo\
dified-since"]!==void 0}function failed(_a){var headers=_a.headers,modified=headers.get("last-modified");return refuse(412,
"precondition failed",new SmallMap(modified&&[["last-modified",modified]]))}var Folder=(function(){function class_9(_a,root){
var fs2=_a.fs,crypto2=_a.crypto;if(this.fs=fs2,this.crypto=crypto2,this.dir=fs2.realpathSync("".concat(root,"/current")),
this.id=this.dir.slice(this.dir.lastIndexOf("/")+1),!validSnapshot(this.id))throw new StoreError("".concat(root,"/curren\
t: names no snapshot"))}return class_9.prototype.site=function(){var _this=this,stat=function(key){return __awaiter(_this,
void 0,void 0,function(){var found;return __generator(this,function(_a){return found=this.stat(fileOf(key)),[2,found&&{size:found.
size}]})})},bucket={stat:stat,read:function(key){return __awaiter(_this,void 0,void 0,function(){return __generator(this,
function(_a){switch(_a.label){case 0:return[4,stat(key)];case 1:return[2,_a.sent()?this.fs.readFileSync("".concat(this.dir,
"/").concat(fileOf(key))):null]}})})},open:function(key){return __awaiter(_this,void 0,void 0,function(){return __generator(
this,function(_a){switch(_a.label){case 0:return[4,stat(key)];case 1:return[2,_a.sent()]}})})}},sha256=function(content){
return __awaiter(_this,void 0,void 0,function(){return __generator(this,function(_a){return[2,this.crypto.createHash("sh\
a256").update(content).digest()]})})};return{table:new Table(this.fs.readFileSync("".concat(this.dir,"/").concat(ROUTES))),
modified:modifiedOf(this.id),bucket:bucket,parts:new Parts(bucket),lists:new Lists(bucket,sha256),exported:!0,inflate:function(){
throw new StoreError("an export has every page plain")},sha256:sha256}},class_9.prototype.stat=function(file){try{return this.
fs.statSync("".concat(this.dir,"/").concat(file))}catch(e){if(e.code!=="ENOENT")throw e;return null}},class_9.prototype.
answer=function(_a){return __awaiter(this,arguments,void 0,function(_b){var part,type,bytes,body_1,body_1_1,piece,_c,_d,
_e,e_37_1,length,e_37,_f,_g,_h,status=_b.status,headers=_b.headers,body=_b.body;return __generator(this,function(_j){switch(_j.
label){case 0:if(part=body.find(function(p){return!(p instanceof Uint8Array||p instanceof Assembly)}),part&&status===200&&
body.length===1)return checkSize(part.key,(_h=(_g=this.stat(fileOf(part.key)))===null||_g===void 0?void 0:_g.size)!==null&&
_h!==void 0?_h:null,part.length),[2,{status:status,headers:headers,body:[],file:this.address(WHOLE,part.key)}];if(part&&
status===206&&Number(bodyLength(body))>MOST2)return type=/Content-Type: (.*)\r\n/.exec(body[0]instanceof Uint8Array?fromBytes(
body[0]):""),type&&headers.set("content-type",[type[1]]),[2,{status:status,headers:headers,body:[],file:this.address(PART,
part.key)}];bytes=[],_j.label=1;case 1:_j.trys.push([1,9,10,11]),body_1=__values(body),body_1_1=body_1.next(),_j.label=2;case 2:
return body_1_1.done?[3,8]:(piece=body_1_1.value,piece instanceof Uint8Array?(bytes.push(piece),[3,7]):[3,3]);case 3:return _d=
(_c=bytes).push,piece instanceof Assembly?[4,piece.whole()]:[3,5];case 4:return _e=_j.sent(),[3,6];case 5:_e=this.read(piece),
_j.label=6;case 6:_d.apply(_c,[_e]),_j.label=7;case 7:return body_1_1=body_1.next(),[3,2];case 8:return[3,11];case 9:return e_37_1=
_j.sent(),e_37={error:e_37_1},[3,11];case 10:try{body_1_1&&!body_1_1.done&&(_f=body_1.return)&&_f.call(body_1)}finally{if(e_37)
throw e_37.error}return[7];case 11:return length=bytes.reduce(function(n,b){return n+b.length},0),length>0&&headers.set(
"content-length",[String(length)]),[2,{status:status,headers:headers,body:bytes}]}})})},class_9.prototype.address=function(location2,key){
var names=fileOf(key).split("/").map(encodeURIComponent);return"".concat(location2).concat(this.id,"/").concat(names.join(
"/"))},class_9.prototype.read=function(part){var _a,_b,file="".concat(this.dir,"/").concat(fileOf(part.key)),bytes=new Uint8Array(
Number(part.length)),fd=this.fs.openSync(file,"r");try{for(var n=0,k=0;n<bytes.length;n+=k)if(k=this.fs.readSync(fd,bytes,
n,bytes.length-n,((_a=part.offset)!==null&&_a!==void 0?_a:0)+n),k===0)throw new StoreError("".concat(file,": ends before\
 byte ").concat(((_b=part.offset)!==null&&_b!==void 0?_b:0)+bytes.length));return bytes}finally{this.fs.closeSync(fd)}},
class_9})();function send(r,_a){var e_38,_b,_c,_d,status=_a.status,headers=_a.headers,body=_a.body,file=_a.file;if(file!==
void 0){r.variables.regsnap_etag=((_c=headers.get("etag"))!==null&&_c!==void 0?_c:[""])[0],r.variables.regsnap_modified=
((_d=headers.get("last-modified"))!==null&&_d!==void 0?_d:[""])[0];try{for(var _e=__values(["etag","last-modified","cont\
ent-length","content-range"]),_f=_e.next();!_f.done;_f=_e.next()){var name=_f.value;headers.delete(name)}}catch(e_38_1){
e_38={error:e_38_1}}finally{try{_f&&!_f.done&&(_b=_e.return)&&_b.call(_e)}finally{if(e_38)throw e_38.error}}}if(headers.
forEach(function(values,name2){r.headersOut[name2.replace(/\b[a-z]/g,function(c){return c.toUpperCase()})]=values.length===
1?values[0]:values}),file!==void 0)return r.internalRedirect(file);var bytes=joined(body);if(bytes.length>0&&(status<300||
status>=400))return r.return(status,bytes);r.status=status,r.sendHeader(),bytes.length>0&&r.send(fromBytes(bytes)),r.finish()}
function joined(pieces){var e_39,_a;if(pieces.length===1)return pieces[0];var out=new Uint8Array(pieces.reduce(function(n,p2){
return n+p2.length},0)),at=0;try{for(var pieces_3=__values(pieces),pieces_3_1=pieces_3.next();!pieces_3_1.done;pieces_3_1=
pieces_3.next()){var p=pieces_3_1.value;out.set(p,at),at+=p.length}}catch(e_39_1){e_39={error:e_39_1}}finally{try{pieces_3_1&&
!pieces_3_1.done&&(_a=pieces_3.return)&&_a.call(pieces_3)}finally{if(e_39)throw e_39.error}}return out}var stdin_default=registry(
{fs:fs,crypto:crypto});export default stdin_default;
